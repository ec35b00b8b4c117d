import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { PasskeyAssertion, PasskeyAttestation } from './schema.ts'

const sha256 = (data: Buffer | string): Buffer => createHash('sha256').update(data).digest()
const base64url = (data: Buffer | string): string => Buffer.from(data).toString('base64url')

/** CBOR (RFC 8949) of what an attestation holds: small numbers, byte and text strings, maps. */
function cbor(value: number | string | Buffer | Map<number | string, unknown>): Buffer {
  const head = (major: number, n: number): Buffer =>
    n < 24
      ? Buffer.from([(major << 5) | n])
      : n < 256
        ? Buffer.from([(major << 5) | 24, n])
        : Buffer.from([(major << 5) | 25, n >> 8, n & 255])
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  const parts = [...value].flatMap(([key, item]) => [
    cbor(key),
    cbor(item as Parameters<typeof cbor>[0]),
  ])
  return Buffer.concat([head(5, value.size), ...parts])
}

export type Twist = {
  origin?: string
  rpId?: string
  type?: string
  challenge?: string
  flags?: number
  counter?: number
  userHandle?: string
  signedBy?: SoftAuthenticator
}

const userPresent = 0x01
const userVerified = 0x04
const backupEligible = 0x08
const backedUp = 0x10
const attested = 0x40

/** An authenticator of one ES256 key, as WebAuthn Level 3 describes it; each answer can be twisted in one place. */
export class SoftAuthenticator {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #origin: string
  readonly id = base64url(randomBytes(32))
  userHandle = ''
  counter = 0
  /** false: as a security key, whose passkeys never leave it */
  synced = true

  constructor(origin: string) {
    this.#origin = origin
  }

  create(
    options: { challenge: string; user: { id: string } },
    twist: Twist = {},
  ): PasskeyAttestation {
    this.userHandle = options.user.id
    const { x = '', y = '' } = this.#keys.publicKey.export({ format: 'jwk' })
    const key = new Map<number, number | Buffer>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ])
    const id = Buffer.from(this.id, 'base64url')
    const length = Buffer.from([id.length >> 8, id.length & 255])
    const authData = Buffer.concat([
      this.#head(twist, attested),
      Buffer.alloc(16),
      length,
      id,
      cbor(key as Map<number, unknown>),
    ])
    const attestation = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', authData],
    ])
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      response: {
        clientDataJSON: this.#clientData(options, 'webauthn.create', twist),
        attestationObject: base64url(cbor(attestation)),
        transports: ['internal', 'made-up'],
      },
    }
  }

  get(options: { challenge: string }, twist: Twist = {}): PasskeyAssertion {
    const authenticatorData = this.#head(twist, 0)
    const clientDataJSON = this.#clientData(options, 'webauthn.get', twist)
    const signed = Buffer.concat([
      authenticatorData,
      sha256(Buffer.from(clientDataJSON, 'base64url')),
    ])
    const { privateKey } = (twist.signedBy ?? this).#keys
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      response: {
        clientDataJSON,
        authenticatorData: base64url(authenticatorData),
        signature: base64url(sign('sha256', signed, privateKey)),
        userHandle: twist.userHandle ?? this.userHandle,
      },
    }
  }

  #head(twist: Twist, more: number): Buffer {
    const rpId = twist.rpId ?? new URL(this.#origin).hostname
    const usual = userPresent | userVerified | (this.synced ? backupEligible | backedUp : 0)
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(twist.counter ?? this.counter)
    return Buffer.concat([sha256(rpId), Buffer.from([(twist.flags ?? usual) | more]), counter])
  }

  #clientData(options: { challenge: string }, type: string, twist: Twist): string {
    return base64url(
      JSON.stringify({
        type: twist.type ?? type,
        challenge: twist.challenge ?? options.challenge,
        origin: twist.origin ?? this.#origin,
        crossOrigin: false,
      }),
    )
  }
}
