import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import {
  cleanEnvironment,
  freePortBase,
  type Product,
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

/** The embedded server, or the place where this machine's root keeps it. */
function postmasterOf(dataDir: string): number {
  const pointer = path.join(dataDir, 'postgres.location')
  const folder = existsSync(pointer)
    ? (JSON.parse(readFileSync(pointer, 'utf8')) as { folder: string }).folder
    : path.join(dataDir, 'postgres')
  return Number(readFileSync(path.join(folder, 'postmaster.pid'), 'utf8').split('\n')[0])
}

/** Runs `all` to its end; `during` may end it. */
async function startAndWaitForEnd(
  env: Record<string, string>,
  during?: (kill: (signal: NodeJS.Signals) => void) => Promise<void>,
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
  const closed = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  await during?.((signal) => void child.kill(signal))
  return { code: await closed, output }
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
  const { body, status } = await signUp(first)
  assert.equal(status, 201)
  const pids = first.rolePids()
  first.child.kill('SIGKILL')
  for (const pid of pids) if (alive(pid)) process.kill(pid, 'SIGKILL')
  await first.exited

  const again = await startProduct(t, { dataDir, portBase })
  await assertKept(again, body.partner.id)
})

/** The partner that signed up before the end is there. */
async function assertKept(product: Product, partnerId: string): Promise<void> {
  const { stdout } = await wayleave(product, 'token', 'create', '--role', 'operator')
  const answer = await fetch(`${product.wellKnown.management}/partners/${partnerId}`, {
    headers: { authorization: `Bearer ${stdout.trim()}` },
  })
  assert.equal(answer.status, 200)
}

test('after kill -9 of the supervisor alone it starts again at once, and a copy of its data beside it harms nothing', async (t) => {
  const dataDir = temporaryFolder(t)
  const portBase = await freePortBase()
  const first = await startProduct(t, { dataDir, portBase })
  const { body } = await signUp(first)
  first.child.kill('SIGKILL')
  await first.exited
  const again = await startProduct(t, { dataDir, portBase })
  await assertKept(again, body.partner.id)

  const copied = path.join(temporaryFolder(t), 'data')
  cpSync(dataDir, copied, { recursive: true, preserveTimestamps: true })
  const before = again.rolePids()
  const env = { WAYLEAVE_DATA_DIR: copied, PORT_BASE: String(portBase) }
  // On the same ports it is refused; what it must not do before is to end what its copied files tell of.
  const refused = await startAndWaitForEnd(env)
  assert.equal(refused.code, 1)
  assert.match(refused.output, /cannot start/)
  assert.deepEqual(again.rolePids(), before)
  assert.ok(before.every(alive), 'the copy ended roles of the original')
  assert.ok(alive(postmasterOf(dataDir)), 'the copy ended the database of the original')
})

test('a first start that is ended while it makes its database leaves no process and no half of one', async (t) => {
  const dataDir = temporaryFolder(t)
  const env = { WAYLEAVE_DATA_DIR: dataDir, PORT_BASE: String(await freePortBase()) }
  const { code, output } = await startAndWaitForEnd(env, async (kill) => {
    await until(
      () => readdirSync(dataDir).some((name) => name.startsWith('postgres.new-')),
      20_000,
      5,
    )
    kill('SIGINT')
  })
  assert.equal(code, 0, output)
  assert.deepEqual(
    readdirSync(dataDir).filter((name) => name.startsWith('postgres')),
    [],
  )
})

test('a master key that is missing or another one is refused, and no new one is made in its place', async (t) => {
  const dataDir = temporaryFolder(t)
  const portBase = await freePortBase()
  const first = await startProduct(t, { dataDir, portBase })
  first.child.kill('SIGTERM')
  await first.exited
  const env = { WAYLEAVE_DATA_DIR: dataDir, PORT_BASE: String(portBase) }
  const key = path.join(dataDir, 'secrets', 'master.key')
  renameSync(key, `${key}.away`)
  rmSync(path.join(dataDir, 'secrets', 'postgres.password'))
  const missing = await startAndWaitForEnd(env)
  assert.equal(missing.code, 1)
  assert.match(missing.output, /master key .* cannot be read: restore it/)
  assert.equal(existsSync(key), false)
  assert.match(missing.output, /password of the embedded PostgreSQL .* set anew/)

  const foreign = await startAndWaitForEnd({
    ...env,
    WAYLEAVE_SECRET_KEY: Buffer.alloc(32, 7).toString('base64url'),
  })
  assert.equal(foreign.code, 1)
  assert.match(foreign.output, /made with another master key/)
})

test('roles and PostgreSQL that are killed are started again, and the product goes on', async (t) => {
  const product = await startProduct(t)
  const postmaster = postmasterOf(product.dataDir)
  process.kill(postmaster, 'SIGKILL')
  await until(() => product.output().includes('PostgreSQL runs again'), 20_000)
  assert.notEqual(postmasterOf(product.dataDir), postmaster)
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
