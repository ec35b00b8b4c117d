import { AppError } from '#platform/app-error'
import type { PageExchange } from '../grants/grant-part.ts'
import { errorPage } from './error-page.ts'
import { acceptedLocales, languageOf } from './languages.ts'
import { sendPage } from './page.ts'
import type { PageContext } from './page-needs.ts'

/** A refusal as a page, because a person reads it; what is no refusal goes on to the listener. */
export async function withFaultPage(
  context: PageContext,
  { request, response, correlator }: Pick<PageExchange, 'request' | 'response' | 'correlator'>,
  serve: () => Promise<void> | void,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<void> {
  try {
    await serve()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const retry = Number(error.headers?.['retry-after'])
    // What is left of the body is not read; the connection cannot be used again.
    if (!request.complete) response.setHeader('connection', 'close')
    const page = errorPage(languageOf(acceptedLocales(request.headers['accept-language'])), {
      status: error.status,
      code: error.code,
      description: error.message,
      correlator,
      ...(Number.isFinite(retry) ? { retryAfterSeconds: retry } : {}),
    })
    sendPage(response, context.house, { ...page, headers: { ...page.headers, ...headers } })
  }
}
