import type { IncomingMessage } from 'node:http'
import { cookieOf, expired, orRefusal } from './browser-exchange.ts'
import type { PageExchange } from './grants/grant-part.ts'
import { invalidRequest } from './oauth-error.ts'
import { parsePairs, twice } from './read-token-request.ts'
import { bodyOf } from './receive-body.ts'
import { requestObjectHeader } from './request-object.ts'
import { callbackOf, emptyCopy } from './serve-client.ts'
import { newState, rememberState } from './token-state.ts'

const maxQuery = 16_384

/** GET and POST of a new request. The provider gets its parameters and nothing else of it: no cookie, no header. */
export async function serveAuthorize(exchange: PageExchange): Promise<void> {
  await orRefusal(exchange, async () => {
    const { request } = exchange
    const pairs = pairsOf(request).filter(([name]) => name !== 'wayleave')
    const query = new URLSearchParams(pairs).toString()
    await serve(exchange, onceOnly(pairs), `/authorize?${query}`)
  })
}

/** GET of a request whose question was answered; only the browser that was asked has the cookie. */
export async function serveResume(exchange: PageExchange): Promise<void> {
  await orRefusal(exchange, async () => {
    const { rest } = exchange
    const cookie = cookieOf(exchange.request, 'wayleave_resume', rest)
    if (cookie !== rest) throw expired()
    await serve(exchange, new Map(), `/authorize/${rest}`, `wayleave_resume=${rest}`)
  })
}

async function serve(
  { request, response, correlator, options, provider }: PageExchange,
  parameters: ReadonlyMap<string, string>,
  url: string,
  cookie?: string,
): Promise<void> {
  const copy = emptyCopy(request, options.issuer, 'GET', url)
  if (cookie !== undefined) copy.headers.cookie = cookie
  copy.headers.accept = 'text/html'
  copy.push(null)
  rememberState(
    copy,
    newState({
      path: '/authorize',
      request: { parameters, mechanism: 'none', claimedClientId: parameters.get('client_id') },
      correlator,
      clientId: parameters.get('client_id'),
      requestObject: requestObjectHeader(parameters.get('request')),
      browser: request,
      address: request.socket.remoteAddress ?? '',
    }),
  )
  // The address holds a code or a state: no page that the browser goes on to is told of it.
  response.setHeader('referrer-policy', 'no-referrer')
  // The provider's own page, which posts an answer to the client (form_post), brings no policy; our pages bring theirs.
  response.setHeader('content-security-policy', "frame-ancestors 'none'; base-uri 'none'")
  response.setHeader('x-content-type-options', 'nosniff')
  await callbackOf(provider)(copy, response)
}

/**
 * Without what is there twice: the provider refuses that at the address of the client. Without knowing for sure who asks,
 * and where an answer may go, there is nowhere to tell it but here.
 * @throws invalid_request
 */
function onceOnly(pairs: readonly [name: string, value: string][]): Map<string, string> {
  const once = new Map<string, string>()
  const more = new Set<string>()
  for (const [name, value] of pairs) {
    if (once.has(name)) more.add(name)
    else once.set(name, value)
  }
  for (const name of more) {
    if (name === 'client_id' || name === 'redirect_uri') throw twice(name)
    once.delete(name)
  }
  return once
}

function pairsOf(request: IncomingMessage): [name: string, value: string][] {
  const query = request.url?.split('?').slice(1).join('?') ?? ''
  if (request.method !== 'POST') {
    if (query.length > maxQuery) throw invalidRequest(`the query is longer than ${maxQuery} bytes`)
    return parsePairs(Buffer.from(query, 'latin1'))
  }
  if (query !== '') throw invalidRequest('a POST has its parameters in the body')
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded *(; *charset="?utf-8"? *)?$/i.test(type))
    throw invalidRequest('the content-type must be application/x-www-form-urlencoded')
  return parsePairs(bodyOf(request))
}
