import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { machineClock } from '#platform/testing-clock'
import { removeFolder } from '#platform/testing-folder'

const root = path.join(import.meta.dirname, '..', '..')
const node = path.join(root, 'node_modules', '.bin', 'node')

export type Addresses = {
  gateway: string
  gatewayTls: string
  issuer: string
  issuerTls?: string
}

/** What `/.well-known/wayleave` tells. */
export type WellKnown = {
  name: string
  version: string
  portal: string
  console: string
  management: string
  environments: { sandbox: Addresses; production: Addresses }
}

export type Product = {
  portBase: number
  dataDir: string
  child: ChildProcess
  output: () => string
  wellKnown: WellKnown
  env: Record<string, string>
  /** what `data/run.json` says of the roles */
  rolePids: () => number[]
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/** How the products end that each test started. */
const started = new WeakMap<TestContext, (() => Promise<void>)[]>()
const blockPorts = 20
const usedPorts = 14

/**
 * A block of 20 ports that were free a moment ago. Its last one is held by this process for as long as it runs: two that
 * look at the same time never take the same block.
 */
export async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const base = 20_000 + Math.floor(Math.random() * 600) * blockPorts
    const claim = await listenAt(base + blockPorts - 1)
    if (claim === undefined) continue
    const free = await Promise.all(Array.from({ length: usedPorts }, (_, i) => isFree(base + i)))
    if (free.every(Boolean)) {
      claim.unref()
      return base
    }
    claim.close()
  }
  throw new Error('no free block of ports')
}

async function isFree(port: number): Promise<boolean> {
  const probe = await listenAt(port)
  if (probe === undefined) return false
  probe.close()
  await once(probe, 'close')
  return true
}

/** @returns undefined when somebody else has the port */
function listenAt(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

/** The environment of this process without what would steer the product. */
export function cleanEnvironment(extra: Record<string, string>): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !/^(WAYLEAVE_|GATEWAY_|DATABASE_URL|REDIS_URL|PORT_BASE|OTEL_|AWS_|NODE_TEST)/.test(entry[0]),
  )
  return { ...Object.fromEntries(kept), ...extra }
}

/** Starts the whole product as `npm start` does, on a data folder and ports of its own; ended after the test. */
export async function startProduct(
  t: TestContext,
  options: { dataDir?: string; portBase?: number; env?: Record<string, string> } = {},
): Promise<Product> {
  const portBase = options.portBase ?? (await freePortBase())
  const dataDir = options.dataDir ?? mkdtempSync(path.join(tmpdir(), 'wayleave-product-'))
  const env = cleanEnvironment({
    PORT_BASE: String(portBase),
    WAYLEAVE_DATA_DIR: dataDir,
    // Nobody balances load over the gateways of most tests: they end at once.
    WAYLEAVE_LAME_DUCK_SECONDS: '0',
    ...options.env,
  })
  const child = spawn(node, ['src/main.ts', 'all'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal })
    })
  })
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await exited
  }
  started.set(t, [...(started.get(t) ?? []), end])
  t.after(async () => {
    await end()
    if (options.dataDir === undefined) await removeFolder(dataDir)
  })
  await until(() => {
    if (child.exitCode !== null)
      throw new Error(`the product ended with ${child.exitCode}:\n${output}`)
    return output.includes('is ready')
  }, 90_000)
  const wellKnown = (await (
    await fetch(`http://localhost:${portBase}/.well-known/wayleave`)
  ).json()) as WellKnown
  return {
    portBase,
    dataDir,
    child,
    output: () => output,
    wellKnown,
    env,
    rolePids: () =>
      (JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')) as { children: number[] })
        .children,
    exited,
  }
}

/** A folder of a test, removed when the products that it started have ended. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-product-'))
  t.after(async () => {
    // Hooks run in their order: a folder that is removed while a product writes into it does not go.
    for (const end of started.get(t) ?? []) await end()
    await removeFolder(folder)
  })
  return folder
}

/** Runs `./wayleave` beside a running product. */
export async function wayleave(
  product: Pick<Product, 'env'>,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(path.join(root, 'wayleave'), args, {
    env: product.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const code = await new Promise<number>((resolve) => {
    child.once('close', (status) => {
      resolve(status ?? -1)
    })
  })
  return { code, stdout, stderr }
}

/**
 * Asks again and again until it holds; the last error is told when it never does. The time in which the machine stood
 * still does not count.
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 50,
): Promise<void> {
  const now = await machineClock()
  const end = now() + timeoutMs
  for (;;) {
    if (await holds()) return
    if (now() > end) throw new Error(`it did not hold within ${timeoutMs} ms: ${holds.toString()}`)
    await delay(everyMs)
  }
}

export type Registration = {
  partner: { id: string }
  member: { id: string }
  application: { id: string; environment: 'sandbox' }
  credentials: { clientId: string; clientSecret: string }
  firstCall: { tokenUrl: string; url: string; curl: string }
}

let people = 0

/** Signs a partner up, as the form does. */
export async function signUp(
  product: Pick<Product, 'wellKnown'>,
  input: Partial<Record<'organisation' | 'name' | 'email' | 'password', string>> = {},
): Promise<{ status: number; body: Registration; cookie: string; email: string; ms: number }> {
  people += 1
  const email = input.email ?? `person-${process.pid}-${people}-${Date.now()}@example.com`
  const now = await machineClock()
  const startedAt = now()
  const answer = await fetch(`${product.wellKnown.management}/registrations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      organisation: 'Example Bank',
      name: 'Ada Example',
      password: 'correct horse battery staple',
      ...input,
      email,
    }),
  })
  const body = (await answer.json()) as Registration
  const cookie = answer.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
  return { status: answer.status, body, cookie, email, ms: now() - startedAt }
}

export async function accessToken(
  tokenUrl: string,
  clientId: string,
  clientSecret: string,
  scope: string,
): Promise<string> {
  const answer = await fetch(tokenUrl, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  })
  const body = (await answer.json()) as { access_token?: string }
  if (body.access_token === undefined)
    throw new Error(`no token (${answer.status}): ${JSON.stringify(body)}`)
  return body.access_token
}
