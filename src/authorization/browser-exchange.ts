import type { IncomingMessage, ServerResponse } from 'node:http'
import { localesOf } from '#consent'
import type { PageExchange } from './grants/grant-part.ts'
import type { Page } from './interaction.ts'
import { invalidRequest, OAuthError } from './oauth-error.ts'

export const expired = (): OAuthError =>
  invalidRequest(
    'this question has expired or was answered before: start again at the page you came from',
  )

/** The cookie of this name; one that stands there with another value beside it is nobody's. */
export function cookieOf(
  request: IncomingMessage,
  name: string,
  expected: string,
): string | undefined {
  const values = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
  // Questions in several tabs have cookies of the same name, each for its own path.
  return values.find((value) => value === expected)
}

/** Before the request is known to be a client's, what is wrong is shown to whoever is there and goes nowhere else. */
export async function orRefusal(
  exchange: PageExchange,
  serving: () => Promise<void>,
): Promise<void> {
  try {
    await serving()
  } catch (error) {
    const { subscribers, environment } = exchange.options
    if (!(error instanceof OAuthError) || subscribers === undefined) throw error
    const { request, response, correlator } = exchange
    if (!request.complete) response.setHeader('connection', 'close')
    const page = subscribers.pages.refusal({
      ...{ environment, correlator, status: error.statusCode, code: error.error },
      description: error.error_description,
      locales: localesOf(request.headers['accept-language']),
    })
    writePage(response, page)
  }
}

export function writePage(response: ServerResponse, { status, headers, body }: Page): void {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'referrer-policy': 'no-referrer',
      ...headers,
    })
    .end(body)
}
