import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

type Fields = Record<string, unknown>
type Answer = { status: number; body: Fields }

/** A server that speaks the Transit API of Vault as its reference has it: versions of keys, tokens, namespaces, errors. */
export class TestVault {
  readonly token = 'hvs.EXAMPLE'
  namespace: string | undefined
  sealed = false
  /** versions of each `<mount>/<key>`, the first one first */
  readonly keys = new Map<string, Buffer[]>()
  /** the lowest version that still opens */
  minimum = 1
  readonly calls: string[] = []
  readonly faults: Answer[] = []
  /** how long each answer takes */
  delayMs = 0
  asked = 0
  /** the most that were asked for at the same time */
  mostAtOnce = 0
  readonly #server: Server
  #underWay = 0

  constructor(tls?: { key: string; cert: string }) {
    const serve = (
      request: IncomingMessage,
      response: import('node:http').ServerResponse,
    ): void => {
      this.asked += 1
      this.#underWay += 1
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#underWay)
      void this.#serve(request).then(async ({ status, body }) => {
        await delay(this.delayMs)
        this.#underWay -= 1
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      })
    }
    this.#server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve)
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve)
    })
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
  }

  rotate(name: string): void {
    this.keys.set(name, [...(this.keys.get(name) ?? []), randomBytes(32)])
  }

  async #serve(request: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const fault = this.faults.shift()
    if (fault !== undefined) return fault
    if (this.sealed) return refusal(503, 'Vault is sealed')
    if (request.headers['x-vault-request'] !== 'true')
      return refusal(412, "missing 'X-Vault-Request' header")
    if (request.headers['x-vault-token'] !== this.token) return refusal(403, 'permission denied')
    if (request.headers['x-vault-namespace'] !== this.namespace)
      return refusal(403, 'permission denied')
    const path = request.url ?? ''
    this.calls.push(path)
    const match = /^\/v1\/(.+)\/(encrypt|decrypt|rewrap)\/([^/]+)$/.exec(path)
    if (request.method !== 'POST' || match === null) return refusal(404)
    const [, mount, action, key] = match
    const versions = this.keys.get(`${mount}/${key}`)
    if (versions === undefined) return refusal(400, 'encryption key not found')
    const fields = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Fields
    try {
      if (action === 'encrypt') return this.#encrypt(versions, String(fields.plaintext))
      const plaintext = this.#open(versions, String(fields.ciphertext))
      return action === 'rewrap'
        ? this.#encrypt(versions, plaintext)
        : { status: 200, body: { request_id: 'r', data: { plaintext } } }
    } catch (error) {
      return refusal(400, error instanceof Error ? error.message : '')
    }
  }

  #encrypt(versions: readonly Buffer[], plaintext: string): Answer {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', versions.at(-1) ?? Buffer.alloc(0), iv)
    const text = cipher.update(Buffer.from(plaintext, 'base64'))
    const body = Buffer.concat([iv, text, cipher.final(), cipher.getAuthTag()]).toString('base64')
    const data = { ciphertext: `vault:v${versions.length}:${body}`, key_version: versions.length }
    return { status: 200, body: { request_id: 'r', data } }
  }

  #open(versions: readonly Buffer[], ciphertext: string): string {
    const [, version, body = ''] = /^vault:v(\d+):(.+)$/.exec(ciphertext) ?? []
    if (version === undefined) throw new Error('invalid ciphertext: no prefix')
    if (Number(version) < this.minimum)
      throw new Error('ciphertext or signature version is disallowed by policy (too old)')
    const bytes = Buffer.from(body, 'base64')
    const key = versions[Number(version) - 1] ?? Buffer.alloc(32)
    const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
    cipher.setAuthTag(bytes.subarray(-16))
    try {
      return Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]).toString(
        'base64',
      )
    } catch (cause) {
      throw new Error('cipher: message authentication failed', { cause })
    }
  }
}

const refusal = (status: number, ...errors: string[]): Answer => ({ status, body: { errors } })
