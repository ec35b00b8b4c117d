import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

type KmsKey = {
  material: Buffer
  state: 'Enabled' | 'Disabled' | 'PendingDeletion'
  aliases: string[]
}
type Fields = Record<string, unknown>

/**
 * A server that speaks the AWS KMS API as its reference has it: AWS JSON 1.1, Signature Version 4 checked against its own
 * computation, encryption contexts bound as associated data, and the errors of the reference.
 */
export class TestKms {
  readonly region = 'eu-central-1'
  readonly accessKeyId = 'AKIDEXAMPLE'
  readonly secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
  readonly keys = new Map<string, KmsKey>()
  /** what was asked for, with its fields */
  readonly calls: { action: string; fields: Fields }[] = []
  /** answers that come before the true ones */
  readonly faults: { status: number; type: string }[] = []
  #denied = false
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#serve(request).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
        response.end(JSON.stringify(body))
      })
    })
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(port, '127.0.0.1', resolve)
    })
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
  }

  /** As a policy that does not allow the caller to use the key. */
  deny(): void {
    this.#denied = true
  }

  makeKey(alias: string): string {
    const id = randomBytes(16).toString('hex')
    const arn = `arn:aws:kms:${this.region}:111122223333:key/${id}`
    this.keys.set(arn, { material: randomBytes(32), state: 'Enabled', aliases: [id, alias] })
    return arn
  }

  async #serve(request: IncomingMessage): Promise<{ status: number; body: Fields }> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString('utf8')
    const fault = this.faults.shift()
    if (fault !== undefined) return refusal(fault.type, fault.status)
    const wrong = this.#signatureFault(request, body)
    if (wrong !== undefined) return refusal(wrong)
    const action = String(request.headers['x-amz-target']).replace('TrentService.', '')
    const fields = JSON.parse(body) as Fields
    this.calls.push({ action, fields })
    if (this.#denied) return refusal('AccessDeniedException')
    if (action === 'Encrypt') return this.#encrypt(fields)
    if (action === 'Decrypt') return this.#decrypt(fields)
    return refusal('UnknownOperationException')
  }

  #find(name: unknown): [string, KmsKey] | undefined {
    return [...this.keys].find(
      ([arn, { aliases }]) => arn === name || aliases.includes(String(name)),
    )
  }

  #encrypt({ KeyId, Plaintext, EncryptionContext }: Fields) {
    const found = this.#find(KeyId)
    if (found === undefined) return refusal('NotFoundException')
    const [arn, { material, state }] = found
    if (state !== 'Enabled') return refusal(stateFault(state))
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', material, iv)
    cipher.setAAD(contextOf(EncryptionContext))
    const text = cipher.update(Buffer.from(String(Plaintext), 'base64'))
    const sealed = Buffer.concat([iv, text, cipher.final(), cipher.getAuthTag()])
    const name = Buffer.from(arn)
    const blob = Buffer.concat([Buffer.from([name.length]), name, sealed]).toString('base64')
    return {
      status: 200,
      body: { KeyId: arn, CiphertextBlob: blob, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
    }
  }

  #decrypt({ KeyId, CiphertextBlob, EncryptionContext }: Fields) {
    const blob = Buffer.from(String(CiphertextBlob), 'base64')
    const end = 1 + (blob[0] ?? 0)
    const arn = blob.subarray(1, end).toString()
    const key = this.keys.get(arn)
    const asked = this.#find(KeyId)
    if (KeyId !== undefined && asked === undefined) return refusal('NotFoundException')
    if (key === undefined) return refusal('InvalidCiphertextException')
    if (asked !== undefined && asked[0] !== arn) return refusal('IncorrectKeyException')
    if (key.state !== 'Enabled') return refusal(stateFault(key.state))
    try {
      const cipher = createDecipheriv('aes-256-gcm', key.material, blob.subarray(end, end + 12))
      cipher.setAAD(contextOf(EncryptionContext))
      cipher.setAuthTag(blob.subarray(-16))
      const text = Buffer.concat([cipher.update(blob.subarray(end + 12, -16)), cipher.final()])
      return {
        status: 200,
        body: { KeyId: arn, Plaintext: text.toString('base64') } as Fields,
      }
    } catch {
      return refusal('InvalidCiphertextException')
    }
  }

  /** Signature Version 4, computed from what arrived. */
  #signatureFault(request: IncomingMessage, body: string): string | undefined {
    const header = request.headers.authorization ?? ''
    const match =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
        header,
      )
    if (match === null) return 'IncompleteSignatureException'
    const [, id, day = '', region = '', service = '', names = '', signature] = match
    if (id !== this.accessKeyId) return 'UnrecognizedClientException'
    if (region !== this.region || service !== 'kms') return 'InvalidSignatureException'
    const signed = names.split(';')
    if (!['host', 'x-amz-date', 'x-amz-target'].every((name) => signed.includes(name)))
      return 'InvalidSignatureException'
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
    const canonical = [
      request.method,
      request.url,
      '',
      ...signed.map((name) => `${name}:${String(request.headers[name]).trim()}`),
      '',
      names,
      sha256(body),
    ].join('\n')
    const at = String(request.headers['x-amz-date'])
    const scope = `${day}/${region}/${service}/aws4_request`
    const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      Buffer.from(`AWS4${this.secretAccessKey}`),
    )
    const text = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n')
    const computed = createHmac('sha256', key).update(text).digest('hex')
    return computed === signature ? undefined : 'InvalidSignatureException'
  }
}

const stateFault = (state: KmsKey['state']): string =>
  state === 'Disabled' ? 'DisabledException' : 'KMSInvalidStateException'

const refusal = (type: string, status = 400): { status: number; body: Fields } => ({
  status,
  body: { __type: type, message: `test: ${type}` },
})

const contextOf = (context: unknown): Buffer =>
  Buffer.from(JSON.stringify(Object.entries((context ?? {}) as Fields).sort()))
