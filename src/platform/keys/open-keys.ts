import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { DatabasePool } from '../database.ts'
import { createSealing, firstKeyId, type Sealing } from '../sealing.ts'
import { type KeyEncryption, KeyEncryptionError } from './key-encryption.ts'
import { type KeyEncryptions, keyEncryptions } from './key-encryptions.ts'
import { KeyRing } from './key-ring.ts'
import {
  changeKeys,
  type DataKeyRow,
  insertDataKey,
  type KeyTables,
  listDataKeys,
  readInstallation,
} from './key-store.ts'

/**
 * The keys of this installation, opened.
 * @public
 */
export interface InstallationKeys {
  readonly sealing: Sealing
  readonly ring: KeyRing
  readonly encryptions: KeyEncryptions
  readonly installation: string
  /** Reads the ring again: opens the keys that are new, and seals with the one that is current. */
  reload(): Promise<void>
}

type Options = {
  config: Config
  database: DatabasePool
  clock: Clock
  /** whether a master key may be made where there is none */
  create: boolean
  /** how long a key service that does not answer is waited for */
  patienceMs?: number
  say?: (line: string) => void
}

/**
 * Opens the ring of this database, and makes it where there is none: the first start, or an installation of the first
 * releases, whose master key becomes the root key, so that every hash and every sealed value stays what it is.
 * @throws with what to do when the key-encryption key is missing, another one, or does not answer
 * @public
 */
export async function openKeys(options: Options): Promise<InstallationKeys> {
  const { config, database } = options
  const db = database.as<KeyTables>()
  const encryptions = keyEncryptions(config, options)
  const { id: installation } = await readInstallation(db)
  const ring = new KeyRing()
  const open = (row: DataKeyRow) => openRow(encryptions, installation, row)

  if ((await listDataKeys(db)).length === 0)
    await patiently(options, () => make(options, encryptions))
  let root: Buffer | undefined
  const reload = async (): Promise<void> => {
    const rows = await listDataKeys(db)
    // Together: a ring grows for as long as its installation lives, and a key service may take its time.
    await Promise.all(
      rows.map(async (row) => {
        if (row.purpose === 'root') root ??= await open(row)
        else if (row.id !== firstKeyId && !ring.knows(row.id)) ring.add(row.id, await open(row))
      }),
    )
    const current = rows.find(({ purpose, state }) => purpose === 'seal' && state === 'current')
    if (current !== undefined) ring.use(current.id, firstKeyId)
  }
  await patiently(options, reload)
  if (root === undefined)
    throw new Error('the root key of this database is gone: restore platform.data_key')
  return { sealing: createSealing(root, ring), ring, encryptions, installation, reload }
}

/** Tries again while a key service does not answer: it may be starting, as this machine is. */
async function patiently<T>(
  { patienceMs = 30_000, say }: Options,
  work: () => Promise<T>,
): Promise<T> {
  const begun = performance.now()
  let waiting = false
  for (let pause = 500; ; pause = Math.min(pause * 2, 5_000)) {
    try {
      return await work()
    } catch (error) {
      // What it hung for counts, too, not only the pauses.
      const waited = performance.now() - begun
      if (!(error instanceof KeyEncryptionError) || !error.again || waited >= patienceMs)
        throw error
      if (!waiting) say?.(`waiting for the key service: ${error.message}`)
      waiting = true
      await delay(pause)
    }
  }
}

export async function openRow(
  encryptions: KeyEncryptions,
  installation: string,
  row: Pick<DataKeyRow, 'id' | 'purpose' | 'wrapped' | 'kek'>,
): Promise<Buffer> {
  if (row.wrapped === null || row.kek === null) throw new Error(`the key ${row.id} is not wrapped`)
  const kek = encryptions.find(row.kek)
  if (kek === undefined) throw unknownKek(row.kek, encryptions)
  return await kek.unwrap(row.wrapped, { installation, key: row.id, purpose: row.purpose })
}

function unknownKek(kek: string, encryptions: KeyEncryptions): Error {
  const mine = encryptions.primary().id()
  if (kek.startsWith('file:') && mine.startsWith('file:'))
    return new Error(
      `this database was made with another master key (${kek}, and this is ${mine}): restore data/secrets/master.key, or set WAYLEAVE_SECRET_KEY to the key that belongs to it`,
    )
  const how = kek.startsWith('file:') ? 'file' : kek
  return new Error(
    `the keys of this database are wrapped by ${kek}, and WAYLEAVE_KEY_ENCRYPTION is ${mine}: set it to ${how}; or, to move to ${mine}, set WAYLEAVE_KEY_ENCRYPTION_PREVIOUS=${how} and run \`./wayleave keys rewrap\``,
  )
}

/** The first ring. What it holds is wrapped before anything is written, and written whole. */
async function make(options: Options, encryptions: KeyEncryptions): Promise<void> {
  const db = options.database.as<KeyTables>()
  const { id: installation, key_check: check } = await readInstallation(db)
  // Written together with the check, by another process, since we looked.
  if ((await listDataKeys(db)).length > 0) return
  const kek = encryptions.primary()
  const at = options.clock.now()
  const first = check === null ? undefined : masterKeyOf(encryptions, installation, check)
  const root = first ?? randomBytes(32)
  const key = async (
    purpose: 'root' | 'seal',
    state: 'current' | 'next',
    bytes: Buffer = randomBytes(32),
  ) => ({
    ...(await wrapNew(kek, installation, purpose, bytes)),
    ...{ purpose, state, made_at: at, previous_at: null },
    current_at: state === 'current' ? at : null,
  })
  const rows = [await key('root', 'current', root), await key('seal', 'next')]
  if (first === undefined) rows.push(await key('seal', 'current'))
  await changeKeys(db, async (trx) => {
    if ((await listDataKeys(trx)).length > 0) return
    if ((await readInstallation(trx)).key_check !== check)
      throw new Error(
        'an older version of Wayleave starts on this database: end it, and start again',
      )
    for (const row of rows) await insertDataKey(trx, row)
    if (first !== undefined)
      await insertDataKey(trx, {
        ...{ id: firstKeyId, purpose: 'seal', state: 'current', wrapped: null, kek: null },
        ...{ made_at: at, current_at: at, previous_at: null },
      })
    await trx
      .updateTable('platform.installation')
      .set({ key_check: createSealing(root).keyedHash('installation', installation) })
      .where('key_check', 'is', null)
      .execute()
  })
}

/** The master key that an installation of the first releases derived everything from. */
export function masterKeyOf(
  encryptions: KeyEncryptions,
  installation: string,
  check: string,
): Buffer {
  const found = encryptions
    .masterKeys()
    .find((key) => createSealing(key).keyedHash('installation', installation) === check)
  if (found !== undefined) return found
  throw new Error(
    'this database was made with another master key: restore data/secrets/master.key, or set WAYLEAVE_SECRET_KEY to the key that belongs to it',
  )
}

/** A key as its row has it. */
export async function wrapNew(
  kek: KeyEncryption,
  installation: string,
  purpose: 'root' | 'seal',
  bytes: Buffer,
): Promise<{ id: string; wrapped: string; kek: string }> {
  const id = randomBytes(6).toString('hex')
  const wrapped = await kek.wrap(bytes, { installation, key: id, purpose })
  return { id, wrapped, kek: kek.id() }
}
