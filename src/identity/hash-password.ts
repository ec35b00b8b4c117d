import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { AppError } from '#platform/app-error'
import type { Sealing } from '#platform/sealing'

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1 } as const
const tagLength = 32
const prefix = `$argon2id$v=19$m=${parameters.memory},t=${parameters.passes},p=${parameters.parallelism}`

// A hash takes some 70 ms of one core and 19 MiB in the shared thread pool: two at a time leave room for everything
// else, and a queue without an end would only make each caller wait until it has given up.
const atOnce = 2
const queueLimit = 400
let running = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) {
    if (waiting.length >= queueLimit) {
      throw new AppError('UNAVAILABLE', 'Too many people are signing in just now. Try again.', {
        headers: { 'retry-after': '5' },
      })
    }
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
    })
  } else running += 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    // The place is handed on, so nobody who comes now can slip in before.
    if (next === undefined) running -= 1
    else next()
  }
}

const derive = (
  password: string,
  nonce: Buffer,
  cost: { memory: number; passes: number; parallelism: number },
): Promise<Buffer> =>
  inTurn(
    () =>
      new Promise((resolve, reject) => {
        // The same letters typed on another keyboard may come in another Unicode form.
        const message = Buffer.from(password.normalize('NFKC'))
        argon2('argon2id', { message, nonce, tagLength, ...cost }, (error, key) => {
          if (error === null) resolve(key)
          else reject(error)
        })
      }),
  )

/** @returns a PHC string: algorithm, parameters, salt and hash */
export async function hashPassword(password: string, salt = randomBytes(16)): Promise<string> {
  const key = await derive(password, salt, parameters)
  return `${prefix}$${unpadded(salt)}$${unpadded(key)}`
}

/**
 * The salt of an address that is not confirmed. All accounts that claim it have the same one, so that one hash of what
 * somebody types tells which of them opens, however many there are.
 */
export const saltOfAddress = (sealing: Sealing, email: string) =>
  Buffer.from(sealing.keyedHash('password-salt', email), 'base64url').subarray(0, 16)

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

const format = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/

/** Hashes a password as another one was, with its cost and salt. */
async function deriveLike(password: string, stored: string): Promise<{ key: Buffer; was: Buffer }> {
  const match = format.exec(stored)
  if (match === null) throw new TypeError('a stored password hash is not argon2id')
  const [, memory, passes, parallelism, salt = '', hash = ''] = match
  const cost = {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  }
  const key = await derive(password, Buffer.from(salt, 'base64'), cost)
  return { key, was: Buffer.from(hash, 'base64') }
}

/** Whether a hash was made with less than is asked for today, or with another salt than it should have. */
export const isOutdated = (stored: string, salt?: Buffer): boolean =>
  !stored.startsWith(salt === undefined ? prefix : `${prefix}$${unpadded(salt)}$`)

/**
 * Compares in constant time. Without a stored hash it does the same work and answers false, so that the time an
 * answer takes does not tell whether an account exists.
 */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
): Promise<boolean> {
  const { key, was } = await deriveLike(password, stored ?? noPassword)
  const equal = key.length === was.length && timingSafeEqual(key, was)
  return stored !== undefined && equal
}

/** What would be stored for this password where this other one is; without one the same work, for nothing. */
export async function hashLike(password: string, stored: string | undefined): Promise<string> {
  const like = stored ?? noPassword
  const { key } = await deriveLike(password, like)
  return `${like.slice(0, like.lastIndexOf('$'))}$${unpadded(key)}`
}

/** Of somebody without a password: no text has this hash. */
export const noPassword = `${prefix}$${unpadded(Buffer.alloc(16))}$${unpadded(Buffer.alloc(tagLength))}`
