import { timingSafeEqual } from 'node:crypto'
import { createArtifacts } from './artifacts.ts'
import { type QuestionDetails, wishedLocales } from './ask-consent.ts'
import { cookieOf, expired, orRefusal, writePage } from './browser-exchange.ts'
import type { PageExchange } from './grants/grant-part.ts'
import type { PendingConsent } from './interaction.ts'
import { OAuthError } from './oauth-error.ts'
import { isFromOurPage, readForm } from './pages/request-guard.ts'
import { parseForm } from './read-token-request.ts'

/**
 * The page of a question and the form on it. A question belongs to the browser that the request came from: the link alone,
 * read over a shoulder or out of a log, shows nothing.
 */
export async function serveInteraction(exchange: PageExchange): Promise<void> {
  await orRefusal(exchange, async () => {
    const { request, response, options, rest } = exchange
    const pages = options.subscribers?.pages
    const pending = await pendingConsent(exchange)
    if (pages === undefined || pending === undefined) throw expired()
    if (request.method !== 'POST') {
      writePage(response, await pages.show(pending))
      return
    }
    if (!isFromOurPage(request, new URL(options.issuer).origin))
      throw new OAuthError(403, 'access_denied', 'this form was not sent from its own page')
    const form = await readForm(request)
    if (!isSame(form.get('form_token') ?? '', pending.formToken))
      throw new OAuthError(403, 'access_denied', 'this form was not sent from its own page')
    const answered = await pages.answer(pending, form)
    if (answered === 'answered') {
      response.writeHead(303, { location: `${options.issuer}/authorize/${rest}` }).end()
    } else writePage(response, answered)
  })
}

async function pendingConsent(exchange: PageExchange): Promise<PendingConsent | undefined> {
  const { request, options, correlator, rest } = exchange
  if (cookieOf(request, 'wayleave_question', rest) !== rest) return undefined
  const found = await createArtifacts(options).find('Interaction', rest)
  if (found === undefined) return undefined
  const { prompt, params } = found.payload as {
    prompt?: { details?: Partial<QuestionDetails> }
    params?: { ui_locales?: unknown }
  }
  const captureToken = prompt?.details?.captureToken
  if (captureToken === undefined) return undefined
  const { environment, sealing, issuer } = options
  return {
    environment,
    correlator,
    captureToken,
    action: new URL(`${issuer}/interaction/${rest}`).pathname,
    formToken: sealing.keyedHash('authorization.form', `${environment}:${rest}`),
    locales: wishedLocales(params?.ui_locales, request.headers['accept-language']),
    query: parseForm(Buffer.from(request.url?.split('?')[1] ?? '', 'latin1')),
  }
}

function isSame(given: string, expected: string): boolean {
  const a = Buffer.from(given)
  const b = Buffer.from(expected)
  return a.length === b.length && timingSafeEqual(a, b)
}
