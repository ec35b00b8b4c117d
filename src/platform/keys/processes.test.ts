import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../clock.ts'
import { createSealing } from '../sealing.ts'
import { testPlatform } from '../testing.ts'
import { masterKeyFile } from './master-key-file.ts'
import { openKeys } from './open-keys.ts'
import { settleMasterKey } from './prepare-keys.ts'
import { resealValues } from './reseal.ts'
import { rotateDataKey } from './rotate-data-key.ts'
import { things, thingTable } from './testing-process.ts'

type Message = { type: string; reason?: string; opened?: number; ids?: string[] }

const script = path.join(import.meta.dirname, 'testing-process.ts')

function start(t: TestContext, ...args: string[]) {
  const child = fork(script, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  t.after(() => {
    child.kill('SIGKILL')
  })
  const messages: Message[] = []
  child.on('message', (message) => messages.push(message as Message))
  return { child, messages }
}

async function until(done: () => boolean, within = 20_000): Promise<void> {
  for (let waited = 0; !done(); waited += 10) {
    assert.ok(waited < within, 'it did not happen in time')
    await delay(10)
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  child.kill('SIGKILL')
  await gone
}

async function installation(t: TestContext) {
  const { config, database } = await testPlatform(t)
  await database.pool.query(thingTable)
  const open = () => openKeys({ config, database, clock: systemClock, create: true })
  const args = [database.url, config.dataDir] as const
  const values = async () =>
    (
      await database.pool.query<{ kind: string; number: number; sealed: string }>(
        'select * from thing',
      )
    ).rows
  return { config, database, open, args, values }
}

test('processes that seal and open all the time go through rotations without one failure', async (t) => {
  const { database, open, args, values } = await installation(t)
  const keys = await open()
  const workers = ['a', 'b', 'c'].map((kind) => start(t, 'work', ...args, kind))
  const openedBy = (i: number): number =>
    workers[i]?.messages.findLast(({ type }) => type === 'opened')?.opened ?? 0
  await until(() => workers.every((_, i) => openedBy(i) > 0))
  const record = () => Promise.resolve()
  const use = { database, keys, clock: systemClock, record }
  const settleMs = 2_000
  const used: string[] = []
  for (let round = 0; round < 3; round += 1) {
    let rotation = await rotateDataKey(use, { settleMs })
    while (!rotation.rotated) {
      assert.equal(rotation.why, 'too-soon')
      await delay(rotation.why === 'too-soon' ? rotation.waitMs : 0)
      rotation = await rotateDataKey(use, { settleMs })
    }
    const { current } = rotation
    used.push(current)
    // Each process learns of it while it works, and seals with it.
    await until(() =>
      workers.every(({ messages }) => messages.at(-1)?.ids?.includes(current) === true),
    )
    await resealValues(use, [things], { settleMs: 0 })
  }
  const before = workers.map((_, i) => openedBy(i))
  await until(() => workers.every((_, i) => openedBy(i) > (before[i] ?? 0)))
  for (const { child } of workers) await killed(child)
  const failures = workers.flatMap(({ messages }) => messages.filter((m) => m.type === 'failed'))
  assert.deepEqual(failures, [])
  await resealValues(use, [things], { settleMs: 0 })
  const all = await values()
  assert.ok(all.length > 100)
  for (const { sealed } of all) assert.ok(sealed.startsWith(`v2.${used.at(-1)}.`))
})

test('killed at any point of rotations, resealing and changes of the master key, everything opens', async (t) => {
  const { config, database, open, args, values } = await installation(t)
  const { sealing } = await open()
  const hash = sealing.keyedHash('client-secret', 'x')
  for (let number = 0; number < 300; number += 1) {
    const context = `thing.a.${number}`
    await database.pool.query('insert into thing values ($1, $2, $3)', [
      'a',
      number,
      sealing.seal(context, context),
    ])
  }
  const known = async (): Promise<number> => {
    const text = 'select count(*)::int as keys from platform.data_key'
    return (await database.pool.query<{ keys: number }>(text)).rows[0]?.keys ?? 0
  }
  // On a busy machine processes come to less before they are killed: then longer, and more of them.
  for (let round = 0; round < 8 || (await known()) <= 6; round += 1) {
    assert.ok(round < 60, 'processes that live ever longer do something')
    const { child, messages } = start(t, 'churn', ...args)
    await until(() => messages.some(({ type }) => type === 'ready'))
    await delay(randomInt(1, 150 + 25 * Math.max(0, round - 8)))
    await killed(child)
    const keys = await open()
    assert.equal(keys.sealing.keyedHash('client-secret', 'x'), hash)
    for (const { kind, number, sealed } of await values()) {
      const context = `thing.${kind}.${number}`
      assert.equal(keys.sealing.open(sealed, context), context)
    }
    await settleMasterKey(config, database)
    assert.equal((await open()).sealing.keyedHash('client-secret', 'x'), hash)
  }
})

test('killed at any point of the upgrade of a first release, its hashes and values are as before', async (t) => {
  const master = Buffer.alloc(32, 7)
  const old = createSealing(master, { current: () => 'v1', find: () => undefined })
  let begun = 0
  for (let round = 0; round < 6; round += 1) {
    const { config, database, open, args } = await installation(t)
    const { rows } = await database.pool.query<{ id: string }>(
      'select id from platform.installation',
    )
    await database.pool.query('update platform.installation set key_check = $1', [
      old.keyedHash('installation', rows[0]?.id ?? ''),
    ])
    mkdirSync(path.dirname(masterKeyFile(config)), { mode: 0o700 })
    writeFileSync(masterKeyFile(config), master.toString('base64url'), { mode: 0o600 })
    await database.pool.query('insert into thing values ($1, 1, $2)', [
      'a',
      old.seal('early', 'thing.a.1'),
    ])
    const { child, messages } = start(t, 'churn', ...args)
    await until(() => messages.some(({ type }) => type === 'begin'))
    await delay(randomInt(1, 200))
    await killed(child)
    const { rowCount } = await database.pool.query('select 1 from platform.data_key')
    if ((rowCount ?? 0) > 0) begun += 1
    const { sealing } = await open()
    assert.equal(sealing.keyedHash('subject', '1'), old.keyedHash('subject', '1'))
    assert.equal(sealing.machineToken('gateway:sandbox'), old.machineToken('gateway:sandbox'))
    const { rows: things } = await database.pool.query<{ sealed: string }>('select * from thing')
    assert.equal(sealing.open(things[0]?.sealed ?? '', 'thing.a.1'), 'early')
  }
  t.diagnostic(`${begun} of 6 were killed after the ring was written`)
})
