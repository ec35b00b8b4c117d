import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { messageKey } from '../xaes.ts'
import { contextBytes, type KeyEncryption, KeyEncryptionError } from './key-encryption.ts'

/** The master key as a key-encryption key. Its name is a fingerprint, so that another key is told from a damaged one. */
export function localKey(masterKey: Buffer): KeyEncryption {
  const name = localKeyId(masterKey)
  const key = messageKey(
    Buffer.from(hkdfSync('sha256', masterKey, 'wayleave', 'key-encryption', 32)),
  )
  return {
    id: () => name,
    wrap: (plain, context) =>
      Promise.resolve(
        key.encrypt(plain, randomBytes(24), contextBytes(context)).toString('base64url'),
      ),
    unwrap(wrapped, context) {
      try {
        const message = Buffer.from(wrapped, 'base64url')
        return Promise.resolve(key.decrypt(message, contextBytes(context)))
      } catch (cause) {
        return Promise.reject(
          new KeyEncryptionError(
            `the key ${context.key} of the database does not open with the master key ${name}: its row was altered or is of another installation; restore platform.data_key from a backup`,
            { again: false, cause },
          ),
        )
      }
    },
  }
}

const localKeyId = (masterKey: Buffer): string =>
  `file:${createHmac('sha256', masterKey).update('wayleave key-encryption id').digest('hex').slice(0, 12)}`
