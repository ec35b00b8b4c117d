/** What a wrapped key is bound to: it opens for this installation and this place in the ring only. */
export type KeyContext = Readonly<{ installation: string; key: string; purpose: 'root' | 'seal' }>

/** One key-encryption key: it wraps the keys that are kept in the database, and is not in the database itself. */
export interface KeyEncryption {
  /** Names the key in the ring, without a secret; a wrapped key is opened only by the one of this name. */
  id(): string
  wrap(key: Buffer, context: KeyContext): Promise<string>
  /** @throws KeyEncryptionError with what to do */
  unwrap(wrapped: string, context: KeyContext): Promise<Buffer>
  /** Wraps with the newest version of the same key, where the key has versions, without opening it here. */
  rewrap?(wrapped: string, context: KeyContext): Promise<string>
}

/** A key service that refuses or does not answer; the message says what to do and holds no secret. */
export class KeyEncryptionError extends Error {
  /** whether asking again may help: it is down, busy, or cut off */
  readonly again: boolean
  constructor(message: string, options: { again: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.name = 'KeyEncryptionError'
    this.again = options.again
  }
}

/** The context as bytes, for ciphers and services that take no fields. */
export const contextBytes = ({ installation, key, purpose }: KeyContext): Buffer =>
  Buffer.from(['wayleave', installation, purpose, key].join('\n'))
