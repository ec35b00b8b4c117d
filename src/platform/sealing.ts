import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { keyedHashOf } from './keyed-hash.ts'
import { type MessageKey, messageKey } from './xaes.ts'

/**
 * What keeps secrets of this installation: values that are read again are sealed with the data key of the day, and
 * everything that must stay the same comes from the root key, one derived key per use.
 * @public
 */
export interface Sealing {
  /** Encrypts; `context` (table, column, id) is bound to the result, which names the data key: `v2.<id>.…`. */
  seal(plaintext: string, context: string): string
  /** @throws when the text was altered, or sealed with another key or for another context */
  open(sealed: string, context: string): string
  /**
   * A new key of its own for one subject or thing. Only `wrapped` is kept, apart from what the key seals; when it is
   * destroyed, all that the key sealed is lost, in every copy, log and file. It lives on in older copies of its own table:
   * those are not to be kept for longer than an erasure may take.
   */
  newDataKey(context: string): { wrapped: string; key: DataKey }
  /** @throws when it was altered, or made for another context */
  openDataKey(wrapped: string, context: string): DataKey
  /** The same key, wrapped with the data key of the day. */
  rewrapDataKey(wrapped: string, context: string): string
  /** HMAC-SHA-256 for secrets of 128 bits or more that are only ever compared. */
  keyedHash(purpose: string, value: string): string
  /** A bearer token for one machine-to-machine path, the same on each process that holds the root key. */
  machineToken(purpose: string): string
  /** The keys of a process that does not hold the root key; it makes the same ones from `machineToken(purpose)`. */
  child(purpose: string): Sealing
}

/**
 * One key that seals the values of one subject or thing; `context` is bound to each.
 * @public
 */
export interface DataKey {
  seal(plaintext: string, context: string): string
  /** @throws when the text was altered, or sealed with another key or for another context */
  open(sealed: string, context: string): string
  /**
   * HMAC-SHA-256 of a short value: nobody can try values out without the key, and nobody at all when it is destroyed. May
   * be kept without the rest of the key.
   */
  keyedHash: (value: string) => string
}

/** The keys that values are sealed with. They change; which one it is stands in the value. */
export interface SealingKeys {
  /** `v1` while an installation of the first releases may still have processes that know nothing else */
  current(): { id: string; key: MessageKey } | typeof firstKeyId
  find(id: string): MessageKey | undefined
}

/** Values of the first releases: `v1.`, AES-256-GCM under a key of the root key, without a data key. */
export const firstKeyId = 'v1'
const ownKeyId = '0'

/** `v1.<bytes>`, or `v2.<data key>.<bytes>` */
const sealedForm = /^(?:v1\.([\w-]+)|v2\.(\w+)\.([\w-]+))$/

/**
 * @param rootKey what hashes, machine tokens and keys of other processes are derived from
 * @param keys the ring of data keys; a process without one, such as a gateway, seals with a key of its root key
 * @public
 */
export function createSealing(rootKey: Buffer, keys?: SealingKeys): Sealing {
  if (rootKey.length !== 32) throw new TypeError('the root key must be 32 bytes')
  const derive = remember((purpose) =>
    Buffer.from(hkdfSync('sha256', rootKey, 'wayleave', purpose, 32)),
  )
  const hashes = remember((purpose) => keyedHashOf(derive(`hash:${purpose}`)))
  const ring = keys ?? ownKey(messageKey(derive('seal:2')))
  const seal = (plaintext: Buffer, context: string): string => {
    const current = ring.current()
    if (current === firstKeyId) return sealFirst(derive('seal'), plaintext, context)
    const { id, key } = current
    return `v2.${id}.${key.encrypt(plaintext, randomBytes(24), Buffer.from(context)).toString('base64url')}`
  }
  const open = (sealed: string, context: string): Buffer => {
    const [, first, id, body = ''] = sealedForm.exec(sealed) ?? []
    if (first !== undefined) return openFirst(derive('seal'), first, context)
    if (id === undefined) throw new TypeError(`unknown sealing format in ${inWords(context)}`)
    const key = ring.find(id)
    if (key === undefined)
      throw new Error(`${inWords(context)} is sealed with a key ${id} that is not known`)
    return key.decrypt(bytesOf(body, context), Buffer.from(context))
  }
  return {
    seal: (plaintext, context) => seal(Buffer.from(plaintext), context),
    open: (sealed, context) => open(sealed, context).toString('utf8'),
    newDataKey(context) {
      const key = randomBytes(32)
      return { wrapped: seal(key, wrapContext(context)), key: dataKeyOf(key) }
    },
    openDataKey: (wrapped, context) => dataKeyOf(open(wrapped, wrapContext(context))),
    rewrapDataKey: (wrapped, context) =>
      seal(open(wrapped, wrapContext(context)), wrapContext(context)),
    keyedHash: (purpose, value) => hashes(purpose)(value),
    machineToken: (purpose) => derive(`token:${purpose}`).toString('base64url'),
    child: (purpose) => createSealing(derive(`token:${purpose}`)),
  }
}

// A wrapped key is never taken for a sealed value, nor a value for a key.
const wrapContext = (context: string): string => `data key\0${context}`

function dataKeyOf(bytes: Buffer): DataKey {
  const key = messageKey(bytes)
  return {
    // A key of its own, as the expansion of HKDF makes it: the other one belongs to the cipher.
    keyedHash: keyedHashOf(Buffer.from(keyedHashOf(bytes)('wayleave hash'), 'base64url')),
    seal: (plaintext, context) =>
      `d1.${key.encrypt(Buffer.from(plaintext), randomBytes(24), Buffer.from(context)).toString('base64url')}`,
    open(sealed, context) {
      const [, body] = /^d1\.([\w-]+)$/.exec(sealed) ?? []
      if (body === undefined) throw new TypeError(`unknown sealing format in ${inWords(context)}`)
      return key.decrypt(bytesOf(body, context), Buffer.from(context)).toString('utf8')
    },
  }
}

/** One spelling for one value: decoders of base64url take characters that are none, and bits that are left over. */
function bytesOf(text: string, context: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') === text) return bytes
  throw new TypeError(`the sealed value of ${inWords(context)} is spelled otherwise than it was`)
}

/** The parts of a context are kept apart by a byte that no log should see. */
const inWords = (context: string): string => context.replaceAll('\0', ' ')

const ownKey = (key: MessageKey): SealingKeys => ({
  current: () => ({ id: ownKeyId, key }),
  find: (id) => (id === ownKeyId ? key : undefined),
})

function sealFirst(key: Buffer, plaintext: Buffer, context: string): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from(context))
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return `${firstKeyId}.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`
}

function openFirst(key: Buffer, sealed: string, context: string): Buffer {
  const bytes = bytesOf(sealed, context)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), {
    authTagLength: 16,
  })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(bytes.subarray(12, 28))
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
}

function remember<T>(make: (purpose: string) => T): (purpose: string) => T {
  const made = new Map<string, T>()
  return (purpose) => {
    let one = made.get(purpose)
    if (one === undefined) {
      one = make(purpose)
      made.set(purpose, one)
    }
    return one
  }
}

/**
 * Compares two secrets in constant time, whatever their lengths.
 * @public
 */
export function sameSecret(a: string, b: string): boolean {
  const key = randomBytes(32)
  const digest = (value: string) => createHmac('sha256', key).update(value).digest()
  return timingSafeEqual(digest(a), digest(b))
}
