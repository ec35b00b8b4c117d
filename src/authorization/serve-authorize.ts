import type { IncomingMessage } from 'node:http'
import { cookieOf, expired, orRefusal } from './browser-exchange.ts'
import type { PageExchange } from './grants/grant-part.ts'
import { invalidRequest } from './oauth-error.ts'
import { parseForm, readBody } from './read-token-request.ts'
import { requestObjectHeader } from './request-object.ts'
import { callbackOf, emptyCopy } from './serve-client.ts'
import { newState, rememberState } from './token-state.ts'

const maxQuery = 16_384

/** GET and POST of a new request. The provider gets its parameters and nothing else of it: no cookie, no header. */
export async function serveAuthorize(exchange: PageExchange): Promise<void> {
  await orRefusal(exchange, async () => {
    const { request } = exchange
    const parameters = await parametersOf(request)
    parameters.delete('wayleave')
    const query = new URLSearchParams([...parameters]).toString()
    await serve(exchange, parameters, `/authorize?${query}`)
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
  await callbackOf(provider)(copy, response)
}

async function parametersOf(request: IncomingMessage): Promise<Map<string, string>> {
  const query = request.url?.split('?').slice(1).join('?') ?? ''
  if (request.method !== 'POST') {
    if (query.length > maxQuery) throw invalidRequest(`the query is longer than ${maxQuery} bytes`)
    return new Map(parseForm(Buffer.from(query, 'latin1')))
  }
  if (query !== '') throw invalidRequest('a POST has its parameters in the body')
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded *(; *charset="?utf-8"? *)?$/i.test(type))
    throw invalidRequest('the content-type must be application/x-www-form-urlencoded')
  return new Map(parseForm(await readBody(request)))
}
