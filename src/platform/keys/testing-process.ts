/**
 * A process for tests: `work` seals and opens values as every role does, and tells each one that did not open; `churn`
 * rotates, reseals and replaces the master key as fast as it can, until it is killed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../clock.ts'
import { loadConfig } from '../config.ts'
import { createDatabasePool } from '../database.ts'
import { createLog } from '../log.ts'
import { followKeys } from './follow-keys.ts'
import { type InstallationKeys, openKeys } from './open-keys.ts'
import { settleMasterKey } from './prepare-keys.ts'
import { replaceMasterKey } from './replace-master-key.ts'
import { resealValues, type SealedColumn } from './reseal.ts'
import { rotateDataKey } from './rotate-data-key.ts'

/** A table for the values of a test. */
export const thingTable =
  'create table thing (kind text, number int, sealed text not null, primary key (kind, number))'

export const things: SealedColumn = {
  table: 'public.thing',
  column: 'sealed',
  key: ['kind', 'number'],
  context: ({ kind, number }) => `thing.${kind}.${number}`,
}

type Given = { url: string; dataDir: string; kind: string }

async function open({ url, dataDir }: Given) {
  const config = loadConfig('/', '0', { WAYLEAVE_DATA_DIR: dataDir, DATABASE_URL: url })
  const database = createDatabasePool(url, { applicationName: 'wayleave keys test', max: 3 })
  const keys = await openKeys({ config, database, clock: systemClock, create: true })
  return { config, database, keys }
}

async function work(given: Given): Promise<void> {
  const { database, keys } = await open(given)
  const log = createLog({ name: 'test', level: 'silent' })
  followKeys({ keys, url: given.url, log, pollMs: 500, firstMs: 0 })
  process.send?.({ type: 'ready' })
  let opened = 0
  for (let number = 0; ; number += 1) {
    const context = `thing.${given.kind}.${number}`
    await database.pool.query('insert into thing values ($1, $2, $3)', [
      given.kind,
      number,
      keys.sealing.seal(context, context),
    ])
    const { rows } = await database.pool.query<{ kind: string; number: number; sealed: string }>(
      'select * from thing where number > $1 order by number desc limit 20',
      [number - 20],
    )
    for (const row of rows) opened += check(keys, row)
    if (number % 10 === 0) process.send?.({ type: 'opened', opened, ids: [currentOf(keys)] })
    await delay(2)
  }
}

const currentOf = (keys: InstallationKeys): string => {
  const current = keys.ring.current()
  return current === 'v1' ? current : current.id
}

function check(
  { sealing }: InstallationKeys,
  { kind, number, sealed }: { kind: string; number: number; sealed: string },
): number {
  const context = `thing.${kind}.${number}`
  try {
    if (sealing.open(sealed, context) === context) return 1
    process.send?.({ type: 'failed', reason: 'another text' })
  } catch (error) {
    process.send?.({ type: 'failed', reason: String(error) })
  }
  return 0
}

async function churn(given: Given): Promise<void> {
  process.send?.({ type: 'begin' })
  const { config, database, keys } = await open(given)
  process.send?.({ type: 'ready' })
  const record = () => Promise.resolve()
  const use = { database, keys, clock: systemClock, record }
  for (;;) {
    await rotateDataKey(use, { settleMs: 0 })
    await resealValues(use, [things], { settleMs: 0 })
    await settleMasterKey(config, database)
    await replaceMasterKey(config, use)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , mode, url = '', dataDir = '', kind = ''] = process.argv
  process.on('disconnect', () => process.exit(0))
  await (mode === 'work' ? work : churn)({ url, dataDir, kind })
}
