import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { accountName, unprivilegedAccount } from './unprivileged-account.ts'

/**
 * Makes the data folder when there is none, and tells its real path: the same folder by two names is one.
 * @throws with what to do when this account cannot work in it
 * @public
 */
export function openDataFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw unusable(folder, cause)
  }
  const real = realpathSync(folder)
  refuseForeignOwner(real)
  try {
    accessSync(real, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw unusable(real, cause)
  }
  return real
}

const unusable = (folder: string, cause: unknown): Error =>
  new Error(
    `the data folder ${folder} cannot be written (${cause instanceof Error ? cause.message.split(',')[0] : cause}): set WAYLEAVE_DATA_DIR to a folder that this account may write to`,
    { cause },
  )

/** Data of two accounts in one folder ends with neither of them being able to start: refused before anything changes. */
function refuseForeignOwner(folder: string): void {
  const me = process.getuid?.()
  if (me === undefined) return
  const allowed = me === 0 ? [0, unprivilegedAccount().uid] : [me]
  for (const place of ['secrets', 'logs', 'postgres', 'journal'].map((n) => path.join(folder, n))) {
    const owner = ownerBelow(place, allowed)
    if (owner === undefined) continue
    const [theirs, mine] = [accountName(owner), accountName(me)]
    throw new Error(
      `the data in ${folder} belongs to ${theirs}, and this is ${mine}. Start as ${theirs}, hand the data over (chown -R ${mine} '${folder}', as root, while nothing runs on it), or set WAYLEAVE_DATA_DIR to another folder. Nothing was changed.`,
    )
  }
}

/** The first owner of a folder or of what is in it that is not one of these. */
function ownerBelow(place: string, allowed: readonly number[]): number | undefined {
  if (!existsSync(place)) return undefined
  const owners = [statSync(place).uid]
  try {
    for (const name of readdirSync(place)) owners.push(statSync(path.join(place, name)).uid)
  } catch {
    // It cannot be read, or an entry went away meanwhile: the folder's own owner tells.
  }
  return owners.find((owner) => !allowed.includes(owner))
}
