import { AppError } from '#platform/app-error'
import { answerToFault } from '../answer-fault.ts'
import type { PageExchange } from '../grants/grant-part.ts'
import { errorPage } from './error-page.ts'
import { acceptedLocales, languageOf } from './languages.ts'
import { sendPage } from './page.ts'
import type { PageContext } from './page-needs.ts'

/** A refusal as a page, because a person reads it; of a fault of ours it tells nothing but where to ask. */
export async function withFaultPage(
  context: PageContext,
  { request, response, correlator }: Pick<PageExchange, 'request' | 'response' | 'correlator'>,
  serve: () => Promise<void> | void,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<void> {
  try {
    await serve()
  } catch (error) {
    const fault = error instanceof AppError ? error : ours(error, correlator, context)
    const retry = Number(fault.headers?.['retry-after'])
    // What is left of the body is not read; the connection cannot be used again.
    if (!request.complete) response.setHeader('connection', 'close')
    const page = errorPage(languageOf(acceptedLocales(request.headers['accept-language'])), {
      status: fault.status,
      code: fault.code,
      description: fault.message,
      correlator,
      ...(Number.isFinite(retry) && fault.status === 429 ? { retryAfterSeconds: retry } : {}),
    })
    sendPage(response, context.house, { ...page, headers: { ...page.headers, ...headers } })
  }
}

function ours(error: unknown, correlator: string, { log }: PageContext): AppError {
  const { status } = answerToFault(error, correlator, log)
  return status === 503
    ? new AppError('UNAVAILABLE', 'The database cannot be reached at the moment.')
    : new AppError('INTERNAL', 'Something failed on our side; it is recorded under the reference.')
}
