import type { IncomingMessage } from 'node:http'
import { invalidRequest, type OAuthError, quoted } from './oauth-error.ts'

/** `certificate` is that of the connection; `none` for bearer assertions, and for what nothing authenticates. */
type Mechanism =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'certificate'
  | 'none'

/** A token request whose form is right; nothing in it has been believed yet. */
export type TokenRequest = {
  parameters: ReadonlyMap<string, string>
  mechanism: Mechanism
  /** the client that the request says it is from, if it says so readably */
  claimedClientId: string | undefined
}

const maxParameters = 50

/**
 * Checks all that can be told without knowing the client: the form of RFC 6749, section 3.2, strictly.
 * @throws invalid_request
 */
export function readTokenRequest(request: IncomingMessage, body: Buffer): TokenRequest {
  refuseAmbiguousHeaders(request)
  const parameters = parseForm(body)
  const mechanism = mechanismOf(request, parameters)
  return { parameters, mechanism, claimedClientId: claimedClientId(request, parameters, mechanism) }
}

/** Before the body is read, so that a request that is refused anyway costs nothing. */
export function refuseWrongForm(request: IncomingMessage): void {
  if (request.url?.includes('?') === true)
    throw invalidRequest(
      'the parameters belong in the body: a secret or an assertion that was in a URL must be treated as leaked',
    )
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded *(; *charset="?utf-8"? *)?$/i.test(type))
    throw invalidRequest('the content-type must be application/x-www-form-urlencoded')
  if (request.headers['content-encoding'] !== undefined)
    throw invalidRequest('a content-encoding is not accepted here')
}

// Node keeps the first of these and drops the rest without a word: a proxy in front may have kept the last.
const onlyOnce = new Set(['authorization', 'content-type', 'content-length', 'host'])

function refuseAmbiguousHeaders(request: IncomingMessage): void {
  const seen = new Set<string>()
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]?.toLowerCase() ?? ''
    if (!onlyOnce.has(name)) continue
    if (seen.has(name)) throw invalidRequest(`the header ${name} must not be sent twice`)
    seen.add(name)
  }
}

/** @throws invalid_request when it is malformed or says a thing twice (RFC 6749, section 3.2), whether we know it or not */
export function parseForm(body: Buffer): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of parsePairs(body)) {
    if (parameters.has(name)) throw twice(name)
    parameters.set(name, value)
  }
  return parameters
}

export const twice = (name: string): OAuthError =>
  invalidRequest(`the parameter ${quoted(name)} must not be sent twice`)

/** @throws invalid_request when it is malformed, or there are too many */
export function parsePairs(body: Buffer): [name: string, value: string][] {
  const given = body
    .toString('latin1')
    .split('&')
    .filter((pair) => pair !== '')
  if (given.length > maxParameters)
    throw invalidRequest(`there are more than ${maxParameters} parameters`)
  return given.map((pair) => {
    const at = pair.indexOf('=')
    return at === -1
      ? [decodeFormText(pair), '']
      : [decodeFormText(pair.slice(0, at)), decodeFormText(pair.slice(at + 1))]
  })
}

function decodeFormText(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    if (!/[\x00-\x1f\x7f]/.test(decoded) && !/[\x80-\xff]/.test(text)) return decoded
  } catch {
    // falls through to the same refusal
  }
  throw invalidRequest(
    'the parameters are not well-formed application/x-www-form-urlencoded in UTF-8',
  )
}

/** One way of client authentication a request: two at once would let the weaker one decide (RFC 6749, section 2.3). */
function mechanismOf(request: IncomingMessage, parameters: ReadonlyMap<string, string>): Mechanism {
  const given = (name: string): boolean => (parameters.get(name) ?? '') !== ''
  const ways: Mechanism[] = []
  if (request.headers.authorization !== undefined) ways.push('client_secret_basic')
  if (given('client_secret')) ways.push('client_secret_post')
  if (given('client_assertion') || given('client_assertion_type')) ways.push('private_key_jwt')
  if (ways.length > 1)
    throw invalidRequest(
      'use one way of client authentication: the Authorization header, client_secret or client_assertion',
    )
  return ways[0] ?? 'none'
}

function claimedClientId(
  request: IncomingMessage,
  parameters: ReadonlyMap<string, string>,
  mechanism: Mechanism,
): string | undefined {
  if (mechanism !== 'client_secret_basic') return parameters.get('client_id')
  const [, encoded = ''] = (request.headers.authorization ?? '').split(' ')
  const [id = ''] = Buffer.from(encoded, 'base64').toString('latin1').split(':', 1)
  return id === '' ? undefined : decoded(id)
}

/** In the header a client_id stands as in a form (RFC 6749, section 2.3.1): libraries write `_` as `%5F`. */
function decoded(id: string): string {
  try {
    return decodeFormText(id)
  } catch {
    return id
  }
}
