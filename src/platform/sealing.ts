import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/**
 * Keys derived from the installation's master key, one per use, so that a key never serves two purposes.
 * @public
 */
export interface Sealing {
  /** Encrypts with AES-256-GCM; `context` (table, column, id) is bound to the result. */
  seal(plaintext: string, context: string): string
  /** @throws when the text was altered, or sealed with another key or for another context */
  open(sealed: string, context: string): string
  /** HMAC-SHA-256 for secrets of 128 bits or more that are only ever compared. */
  keyedHash(purpose: string, value: string): string
  /** A bearer token for one machine-to-machine path, the same on each process that holds the master key. */
  machineToken(purpose: string): string
  /** The keys of a process that does not hold the master key; it makes the same ones from `machineToken(purpose)`. */
  child(purpose: string): Sealing
}

/** @public */
export function createSealing(masterKey: Buffer): Sealing {
  if (masterKey.length !== 32) throw new TypeError('the master key must be 32 bytes')
  const derived = new Map<string, Buffer>()
  const hashes = new Map<string, (value: string) => string>()
  const derive = (purpose: string): Buffer => {
    let key = derived.get(purpose)
    if (key === undefined) {
      key = Buffer.from(hkdfSync('sha256', masterKey, 'wayleave', purpose, 32))
      derived.set(purpose, key)
    }
    return key
  }
  return {
    seal(plaintext, context) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', derive('seal'), iv)
      cipher.setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()])
      return `v1.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`
    },
    open(sealed, context) {
      if (!sealed.startsWith('v1.')) throw new TypeError(`unknown sealing format in ${context}`)
      const bytes = Buffer.from(sealed.slice(3), 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', derive('seal'), bytes.subarray(0, 12), {
        authTagLength: 16,
      })
      decipher.setAAD(Buffer.from(context))
      decipher.setAuthTag(bytes.subarray(12, 28))
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
    },
    keyedHash(purpose, value) {
      let keyed = hashes.get(purpose)
      if (keyed === undefined) {
        keyed = keyedHashOf(derive(`hash:${purpose}`))
        hashes.set(purpose, keyed)
      }
      return keyed(value)
    },
    machineToken(purpose) {
      return derive(`token:${purpose}`).toString('base64url')
    },
    child: (purpose) => createSealing(derive(`token:${purpose}`)),
  }
}

const blockBytes = 64
const shortBytes = 512

/**
 * HMAC-SHA-256 (RFC 2104) of one key. Short values, such as a number or an id, take two plain hashes over blocks that are
 * made ready once: less than half of what an HMAC object costs, and gateways do this for every call.
 */
function keyedHashOf(key: Buffer): (value: string) => string {
  const inner = Buffer.alloc(blockBytes + shortBytes)
  const outer = Buffer.alloc(blockBytes + 32)
  for (let i = 0; i < blockBytes; i += 1) {
    const byte = key[i] ?? 0
    inner[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  }
  return (value) => {
    // A character has at most three bytes of UTF-8 for each of its code units.
    if (value.length * 3 > shortBytes)
      return createHmac('sha256', key).update(value).digest('base64url')
    const end = blockBytes + inner.write(value, blockBytes, 'utf8')
    outer.write(hash('sha256', inner.subarray(0, end), 'latin1'), blockBytes, 'latin1')
    inner.fill(0, blockBytes, end)
    return hash('sha256', outer, 'base64url')
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
