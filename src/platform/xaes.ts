import { createCipheriv, createDecipheriv } from 'node:crypto'

const nonceBytes = 24
const tagBytes = 16

/**
 * A key for XAES-256-GCM (C2SP): AES-256-GCM under a key that is derived for each message from half of a nonce of 192
 * bits. Nonces may be random for any number of messages, so a key never wears out, on however many processes.
 */
export interface MessageKey {
  /** @returns nonce, ciphertext and tag */
  encrypt(plaintext: Buffer, nonce: Buffer, aad: Buffer): Buffer
  /** @throws when a byte of the message, the key or the bound data is another one */
  decrypt(message: Buffer, aad: Buffer): Buffer
}

export function messageKey(key: Buffer): MessageKey {
  if (key.length !== 32) throw new TypeError('a key must be 32 bytes')
  const k1 = shifted(encryptBlocks(key, Buffer.alloc(16)))
  /** K_x = AES-256(K, M1) || AES-256(K, M2), the counters of NIST SP 800-108 with CMAC over one block each. */
  const derive = (nonce: Buffer): Buffer => {
    const blocks = Buffer.alloc(32)
    for (const [i, counter] of [1, 2].entries()) {
      const at = i * 16
      blocks[at + 1] = counter
      blocks[at + 2] = 0x58
      nonce.copy(blocks, at + 4, 0, 12)
      for (let j = 0; j < 16; j += 1) blocks[at + j] = (blocks[at + j] ?? 0) ^ (k1[j] ?? 0)
    }
    return encryptBlocks(key, blocks)
  }
  return {
    encrypt(plaintext, nonce, aad) {
      if (nonce.length !== nonceBytes) throw new TypeError('a nonce must be 24 bytes')
      const cipher = createCipheriv('aes-256-gcm', derive(nonce), nonce.subarray(12))
      cipher.setAAD(aad)
      return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    },
    decrypt(message, aad) {
      if (message.length < nonceBytes + tagBytes) throw new TypeError('the message is cut short')
      const nonce = message.subarray(0, nonceBytes)
      const cipher = createDecipheriv('aes-256-gcm', derive(nonce), nonce.subarray(12), {
        authTagLength: tagBytes,
      })
      cipher.setAAD(aad)
      cipher.setAuthTag(message.subarray(-tagBytes))
      return Buffer.concat([cipher.update(message.subarray(nonceBytes, -tagBytes)), cipher.final()])
    },
  }
}

function encryptBlocks(key: Buffer, blocks: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-ecb', key, null)
  cipher.setAutoPadding(false)
  return Buffer.concat([cipher.update(blocks), cipher.final()])
}

/** The first subkey of CMAC: doubled in GF(2^128). */
function shifted(block: Buffer): Buffer {
  const doubled = Buffer.alloc(16)
  let carry = 0
  for (let i = 15; i >= 0; i -= 1) {
    const byte = block[i] ?? 0
    doubled[i] = ((byte << 1) | carry) & 0xff
    carry = byte >> 7
  }
  doubled[15] = (doubled[15] ?? 0) ^ (carry * 0x87)
  return doubled
}
