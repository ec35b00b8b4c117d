import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Pool } from 'pg'
import type { Config } from './config.ts'
import { createSealing, type Sealing } from './sealing.ts'
import { writeOnce } from './write-once.ts'

/**
 * The master key: from the setting, or from a file of the data folder that only its owner can read, made at the first
 * start.
 * @throws when the file is missing and may not be made, or is damaged
 * @public
 */
export function loadMasterKey(config: Config, options: { create: boolean }): Buffer {
  if (config.secretKey !== undefined) return config.secretKey
  const folder = path.join(config.dataDir, 'secrets')
  const file = path.join(folder, 'master.key')
  if (options.create) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o700)
    if (!existsSync(file)) writeOnce(file, randomBytes(32).toString('base64url'))
  }
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if (!existsSync(config.dataDir))
      throw new Error(
        `there is no data in ${config.dataDir} yet: \`npm start\` makes it, or set WAYLEAVE_SECRET_KEY`,
        { cause },
      )
    if (cause instanceof Error && 'code' in cause && cause.code === 'EACCES')
      throw new Error(`the master key ${file} is another account's: run this as that account`, {
        cause,
      })
    throw new Error(
      `the master key ${file} cannot be read: restore it from a copy, or set WAYLEAVE_SECRET_KEY (nothing else opens what it sealed)`,
      { cause },
    )
  }
  const key = Buffer.from(text, 'base64url')
  if (key.length !== 32)
    throw new Error(
      `the master key ${file} is damaged: restore it from a copy, nothing else opens what it sealed`,
    )
  return key
}

/**
 * Refuses to go on with a master key that is not the one this database was sealed with.
 * @public
 */
export async function checkMasterKey(pool: Pool, sealing: Sealing): Promise<void> {
  const { rows } = await pool.query<{ id: string; key_check: string | null }>(
    'select id, key_check from platform.installation',
  )
  const installation = rows[0]
  if (installation === undefined)
    throw new Error('the database is not migrated: run `./wayleave migrate`')
  const check = sealing.keyedHash('installation', installation.id)
  if (installation.key_check === null) {
    await pool.query('update platform.installation set key_check = $1 where key_check is null', [
      check,
    ])
    return await checkMasterKey(pool, sealing)
  }
  if (installation.key_check !== check) {
    throw new Error(
      'this database was made with another master key: restore data/secrets/master.key, or set WAYLEAVE_SECRET_KEY to the key that belongs to it',
    )
  }
}

/** @public */
export const openSealing = (config: Config): Sealing =>
  createSealing(loadMasterKey(config, { create: false }))
