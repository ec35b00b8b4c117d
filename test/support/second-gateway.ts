import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { freePort } from '#platform/free-port'
import { type Product, temporaryFolder, until, wayleave } from './product.ts'

const root = path.join(import.meta.dirname, '..', '..')

/** A second gateway of the sandbox, as an operator adds one: its own place, the same database and public address. */
export async function secondGateway(
  t: { after(fn: () => Promise<void>): void },
  product: Product,
  change: (env: Record<string, string>) => Record<string, string> = (env) => env,
): Promise<{ url: string; health: string; start(): Promise<ChildProcess> }> {
  const { stdout } = await wayleave(product, 'migrate', '--roles', '--json')
  const { roles } = JSON.parse(stdout) as { roles: Record<string, Record<string, string>> }
  const [port, tlsPort, internalPort] = [await freePort(), await freePort(), await freePort()]
  const dataDir = temporaryFolder({ after: (fn) => t.after(async () => fn()) })
  const env = change({
    ...product.env,
    ...roles['gateway-sandbox'],
    WAYLEAVE_GATEWAY_ID: 'second',
    WAYLEAVE_DATA_DIR: dataDir,
    WAYLEAVE_GATEWAY_SANDBOX_URL: product.wellKnown.environments.sandbox.gateway,
    WAYLEAVE_GATEWAY_SANDBOX_PORT: `${port}`,
    WAYLEAVE_GATEWAY_SANDBOX_TLS_PORT: `${tlsPort}`,
    WAYLEAVE_GATEWAY_SANDBOX_INTERNAL_PORT: `${internalPort}`,
  })
  const health = `http://127.0.0.1:${internalPort}/health/ready`
  let child: ChildProcess | undefined
  t.after(async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    // With a lame duck of no time it ends at once, and its workers with it.
    child.kill(env.WAYLEAVE_LAME_DUCK_SECONDS === '0' ? 'SIGTERM' : 'SIGKILL')
    await ended
  })
  return {
    url: `http://127.0.0.1:${port}`,
    health,
    async start() {
      const args = ['gateway', '--environment', 'sandbox']
      child = spawn(path.join(root, 'wayleave'), args, { env, stdio: 'ignore' })
      await until(() => isReady(health), 20_000)
      return child
    },
  }
}

export const isReady = (health: string): Promise<boolean> =>
  fetch(health).then(
    (answer) => answer.ok,
    () => false,
  )
