import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { KeyConfig } from '../key-settings.ts'
import {
  contextBytes,
  type KeyContext,
  type KeyEncryption,
  KeyEncryptionError,
} from './key-encryption.ts'

const attempts = 3
const connectMs = 2_000
const answerMs = 5_000
const largestAnswer = 64 * 1024

/**
 * A key of Vault's Transit engine. Rewrapping takes no associated data there, so what a key is bound to travels inside
 * of what is encrypted: the key, then a hash of its context.
 */
export function vaultTransit(
  { mount, key }: { mount: string; key: string },
  vault: KeyConfig['vault'],
): KeyEncryption {
  const name = `${vault.namespace === undefined ? '' : `${vault.namespace}/`}${mount}/${key}`
  const send = createSender(vault, name)
  const call = (action: 'encrypt' | 'decrypt' | 'rewrap', body: Record<string, string>) =>
    send(`/v1/${mount}/${action}/${encodeURIComponent(key)}`, body)
  return {
    id: () => `vault:${name}`,
    async wrap(plain, context) {
      const bound = Buffer.concat([plain, digestOf(context)])
      return ciphertextOf(name, await call('encrypt', { plaintext: bound.toString('base64') }))
    },
    async unwrap(wrapped, context) {
      const { plaintext } = await call('decrypt', { ciphertext: wrapped })
      const bytes = Buffer.from(typeof plaintext === 'string' ? plaintext : '', 'base64')
      if (bytes.length !== 64 || !bytes.subarray(32).equals(digestOf(context)))
        throw new KeyEncryptionError(
          `Vault's key ${name} opened another key than ${context.key} of this installation: the row of platform.data_key was altered; restore it from a backup`,
          { again: false },
        )
      return bytes.subarray(0, 32)
    },
    rewrap: async (wrapped) => ciphertextOf(name, await call('rewrap', { ciphertext: wrapped })),
  }
}

const digestOf = (context: KeyContext): Buffer =>
  createHash('sha256').update(contextBytes(context)).digest()

function ciphertextOf(name: string, { ciphertext }: Record<string, unknown>): string {
  if (typeof ciphertext === 'string' && /^vault:v\d+:/.test(ciphertext)) return ciphertext
  throw new KeyEncryptionError(`Vault answered without a ciphertext for ${name}`, { again: true })
}

type Send = (path: string, body: Record<string, string>) => Promise<Record<string, unknown>>

function createSender(vault: KeyConfig['vault'], name: string): Send {
  let agent: Agent | undefined
  const once: Send = async (path, body) => {
    const token = tokenOf(vault)
    agent ??= new Agent({
      connect: {
        timeout: connectMs,
        ...(vault.caFile === undefined ? {} : { ca: readFileSync(vault.caFile) }),
      },
      keepAliveTimeout: 1_000,
    })
    const { statusCode, body: answer } = await request(`${vault.url}${path}`, {
      dispatcher: agent,
      method: 'POST',
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
      headers: {
        'content-type': 'application/json',
        'x-vault-token': token,
        'x-vault-request': 'true',
        ...(vault.namespace === undefined ? {} : { 'x-vault-namespace': vault.namespace }),
      },
      body: JSON.stringify(body),
    })
    const text = await readBody(answer)
    const parsed = parse(text)
    if (statusCode === 200 && isRecord(parsed.data)) return parsed.data
    throw refused(name, statusCode, parsed.errors)
  }
  return async (path, body) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(path, body)
      } catch (cause) {
        const error = cause instanceof KeyEncryptionError ? cause : unreachable(vault, cause)
        if (!error.again || attempt === attempts) throw error
        await delay(100 * 2 ** attempt)
      }
    }
  }
}

function tokenOf({ token, tokenFile }: KeyConfig['vault']): string {
  if (token !== undefined) return token
  try {
    // Read each time: an agent beside this process renews it.
    return readFileSync(tokenFile ?? '', 'utf8').trim()
  } catch (cause) {
    throw new KeyEncryptionError(
      `the file of WAYLEAVE_VAULT_TOKEN_FILE cannot be read (${tokenFile}): let the Vault agent write it, readable by this account`,
      { again: false, cause },
    )
  }
}

async function readBody(answer: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const chunk of answer) {
    text += chunk.toString('utf8')
    if (text.length > largestAnswer) throw new Error('the answer is too large')
  }
  return text
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text)
    return isRecord(parsed) ? parsed : {}
  } catch {
    return {}
  }
}

function refused(name: string, status: number, errors: unknown): KeyEncryptionError {
  const said = Array.isArray(errors) ? errors.join('; ').slice(0, 200) : ''
  const words = `Vault refuses the key ${name} (${status}${said === '' ? '' : `: ${said}`})`
  if (status === 403)
    return new KeyEncryptionError(
      `${words}: give a token that is valid and whose policy allows update on encrypt, decrypt and rewrap of it`,
      { again: false },
    )
  if (status === 400 || status === 404)
    return new KeyEncryptionError(
      `${words}: check that the mount and the key exist in this namespace, and that it wrapped the keys of this installation`,
      { again: false },
    )
  if (status < 400)
    return new KeyEncryptionError(
      `what answers at WAYLEAVE_VAULT_URL is not the API of an active Vault (${status}, asked for the key ${name}): name the active node, or a balancer that passes requests on to it`,
      { again: true },
    )
  return new KeyEncryptionError(`${words}: unseal it, or wait until it is there again`, {
    again: true,
  })
}

const unreachable = ({ url }: KeyConfig['vault'], cause: unknown): KeyEncryptionError => {
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  return new KeyEncryptionError(
    `Vault does not answer at ${url}${code}: check WAYLEAVE_VAULT_URL, the network and, for its certificate, WAYLEAVE_VAULT_CA_FILE`,
    { again: true, cause },
  )
}
