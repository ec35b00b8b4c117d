import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import {
  cleanEnvironment,
  freePortBase,
  signUp,
  startProduct,
  temporaryFolder,
  until,
  wayleave,
} from '../support/product.ts'

const root = path.join(import.meta.dirname, '..', '..')

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function startAndWaitForEnd(
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(path.join(root, 'wayleave'), ['all'], {
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  return { code, output }
}

test('the product starts on an empty folder, tells its addresses, drains on a signal and leaves no process behind', async (t) => {
  const product = await startProduct(t)
  const { portBase, wellKnown } = product
  assert.equal(wellKnown.portal, `http://localhost:${portBase}`)
  assert.equal(wellKnown.environments.sandbox.gateway, `http://localhost:${portBase + 2}`)
  assert.match(product.output(), /\/console\/welcome\?token=/)
  const pids = product.rolePids()
  assert.equal(pids.length, 5)

  const second = await startAndWaitForEnd({
    PORT_BASE: String(portBase),
    WAYLEAVE_DATA_DIR: product.dataDir,
  })
  assert.equal(second.code, 1)
  assert.match(second.output, /already runs on the data/)
  assert.ok(pids.every(alive), 'the refused start harmed the running one')

  product.child.kill('SIGINT')
  assert.deepEqual(await product.exited, { code: 0, signal: null })
  assert.deepEqual(pids.filter(alive), [])
})

test('a taken port is named with its owner and the setting that changes it', async (t) => {
  const portBase = await freePortBase()
  const squatter = createServer()
  await new Promise<void>((resolve) => {
    squatter.listen(portBase + 2, '127.0.0.1', resolve)
  })
  t.after(() => void squatter.close())
  const { code, output } = await startAndWaitForEnd({
    PORT_BASE: String(portBase),
    WAYLEAVE_DATA_DIR: temporaryFolder(t),
  })
  assert.equal(code, 1)
  assert.match(
    output,
    new RegExp(`port ${portBase + 2} \\(sandbox gateway\\) is taken by process ${process.pid}`),
  )
  assert.match(output, /WAYLEAVE_GATEWAY_SANDBOX_PORT/)
})

test('after kill -9 of everything it starts again with what it had acknowledged', async (t) => {
  const dataDir = temporaryFolder(t)
  const portBase = await freePortBase()
  const first = await startProduct(t, { dataDir, portBase })
  const { body, status, email } = await signUp(first)
  assert.equal(status, 201)
  const pids = first.rolePids()
  first.child.kill('SIGKILL')
  for (const pid of pids) if (alive(pid)) process.kill(pid, 'SIGKILL')
  await first.exited

  const again = await startProduct(t, { dataDir, portBase })
  assert.equal((await signUp(again, { email })).status, 409)
  const { stdout } = await wayleave(again, 'token', 'create', '--role', 'operator')
  const answer = await fetch(`${again.wellKnown.management}/partners/${body.partner.id}`, {
    headers: { authorization: `Bearer ${stdout.trim()}` },
  })
  assert.equal(answer.status, 200)
})

test('a role that is killed is started again, and the product goes on', async (t) => {
  const product = await startProduct(t)
  const before = product.rolePids()
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await until(() => {
    const now = product.rolePids()
    return now.length === before.length && now.every((pid) => !before.includes(pid))
  }, 20_000)
  await until(async () => {
    try {
      return (await signUp(product)).status === 201
    } catch {
      return false
    }
  }, 20_000)
})
