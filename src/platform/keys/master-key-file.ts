import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { accountName } from '../unprivileged-account.ts'
import { writeOnce } from '../write-once.ts'
import { localKey } from './local-key.ts'

type Place = { dataDir: string }

const folderOf = ({ dataDir }: Place): string => path.join(dataDir, 'secrets')
export const masterKeyFile = (place: Place): string => path.join(folderOf(place), 'master.key')

/** Keys that were replaced, and one that is about to take over: `master-<fingerprint>.key`. */
const fileOf = (place: Place, key: Buffer): string =>
  path.join(folderOf(place), `master-${localKey(key).id().slice('file:'.length)}.key`)

/**
 * The master key of the data folder, made at the first start.
 * @throws when it is missing and may not be made, damaged, or open to other accounts
 */
export function readMasterKeyFile(place: Place, options: { create: boolean }): Buffer {
  const folder = folderOf(place)
  const file = masterKeyFile(place)
  if (options.create) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o700)
    if (!existsSync(file)) writeOnce(file, randomBytes(32).toString('base64url'))
  }
  let text: string
  try {
    refuseOpenFile(file)
    text = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === undefined) throw cause
    if (!existsSync(place.dataDir))
      throw new Error(
        `there is no data in ${place.dataDir} yet: \`npm start\` makes it, or set WAYLEAVE_SECRET_KEY`,
        { cause },
      )
    if (code === 'EACCES')
      throw new Error(`the master key ${file} is another account's: run this as that account`, {
        cause,
      })
    throw new Error(
      `the master key ${file} cannot be read: restore it from a copy, or set WAYLEAVE_SECRET_KEY (nothing else opens what it sealed)`,
      { cause },
    )
  }
  return keyOf(file, text)
}

function keyOf(file: string, text: string): Buffer {
  const key = Buffer.from(text, 'base64url')
  if (!/^[\w-]{43}$/.test(text) || key.length !== 32)
    throw new Error(
      `the master key ${file} is damaged: restore it from a copy, nothing else opens what it sealed`,
    )
  return key
}

/** Whoever can read or replace the key has every secret: a start that goes on would hide it. */
function refuseOpenFile(file: string): void {
  const me = process.geteuid?.()
  if (me === undefined) return
  const { mode, uid } = statSync(file)
  const folder = path.dirname(file)
  const folderMode = statSync(folder).mode
  // A sticky folder keeps what is another's, as those that container platforms mount secrets in do.
  if ((folderMode & 0o022) !== 0 && (folderMode & 0o1000) === 0)
    throw new Error(
      `the folder of the master key can be written by other accounts, who can replace it: chmod 700 '${folder}'`,
    )
  if (uid !== me && uid !== 0)
    throw new Error(
      `the master key ${file} belongs to ${accountName(uid)}, who can read and replace it: chown ${accountName(me)} '${file}', and replace the key if that account is not trusted (./wayleave keys rewrap --new-key)`,
    )
  if ((mode & 0o077) !== 0)
    throw new Error(
      `the master key ${file} can be read by other accounts (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): chmod 600 '${file}', and replace the key if another account was there (./wayleave keys rewrap --new-key)`,
    )
}

/** Former master keys that are still in the folder; they open what a copy of the database from before still has. */
export function formerMasterKeys(place: Place): Buffer[] {
  const folder = folderOf(place)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^master-[0-9a-f]{12}\.key$/.test(name))
    .map((name) => {
      const file = path.join(folder, name)
      refuseOpenFile(file)
      return keyOf(file, readFileSync(file, 'utf8').trim())
    })
}

/** Puts a new master key on the disk, beside the present one, before anything is wrapped with it. */
export function prepareMasterKey(place: Place): Buffer {
  const key = randomBytes(32)
  writeOnce(fileOf(place, key), key.toString('base64url'))
  return key
}

/**
 * Makes one of the keys in the folder the master key; the one until now stays under the name of its fingerprint. There
 * is a whole master.key at each moment, and each key has a name at each moment.
 */
export function adoptMasterKey(place: Place, id: string): void {
  const file = masterKeyFile(place)
  const present = readMasterKeyFile(place, { create: false })
  if (localKey(present).id() === id) return
  const next = formerMasterKeys(place).find((key) => localKey(key).id() === id)
  if (next === undefined) return
  if (!existsSync(fileOf(place, present))) linkSync(file, fileOf(place, present))
  renameSync(fileOf(place, next), file)
  const folder = openSync(folderOf(place), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
