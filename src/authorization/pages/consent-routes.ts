import { type CaptureQuestion, CaptureRefused } from '#consent'
import type { Database } from '#platform/database'
import type { EndpointPart, PageExchange } from '../grants/grant-part.ts'
import { type CaptureProof, createCaptureProof } from './capture-proof.ts'
import { consentPage } from './consent-page.ts'
import { withFaultPage } from './fault-page.ts'
import { languageOf } from './languages.ts'
import {
  answeredPage,
  decidedPage,
  gonePage,
  missingAnswerPage,
  notEmbeddedPage,
  otherBrowserPage,
} from './notice-pages.ts'
import { seeOther, sendPage } from './page.ts'
import { localesOf, type PageContext } from './page-needs.ts'
import { isForTheReader, isFromOurPage, queryOf, readForm } from './request-guard.ts'
import { maskedNumber } from './show-number.ts'
import type { SubscriberTables } from './subscriber-store.ts'
import { closedPage, missedPage, stateOf, tokenFormat, withResult } from './way-back.ts'

const doneSeconds = 600

type Exchange = Pick<PageExchange, 'request' | 'response' | 'correlator'>

/**
 * The page behind a link: of a message (CIBA) and of a partner's capture URL, which asks for a code to the phone first.
 * It is answered once. GET changes nothing, because programs open links before people do.
 */
export function consentEndpoints(
  context: PageContext,
  db: Database<SubscriberTables>,
): EndpointPart[] {
  const proof = createCaptureProof(context, db, (token) => questionOf(context, token))
  return [
    ...proof.endpoints,
    {
      path: '/consent',
      methods: ['GET', 'HEAD', 'POST'],
      kind: 'page',
      serve: (exchange) =>
        withFaultPage(context, exchange, () =>
          exchange.request.method === 'POST'
            ? answer(context, proof, exchange)
            : show(context, proof, exchange),
        ),
    },
    {
      path: '/consent/done',
      methods: ['GET', 'HEAD'],
      kind: 'page',
      serve: (exchange) => showDecided(context, exchange),
    },
  ]
}

async function show(
  context: PageContext,
  proof: CaptureProof,
  { request, response }: Exchange,
): Promise<void> {
  const query = queryOf(request)
  const locales = localesOf(query, request.headers['accept-language'])
  const language = languageOf(locales)
  const token = query.get('t') ?? ''
  const send = (page: Parameters<typeof sendPage>[2]) => sendPage(response, context.house, page)
  if (!isForTheReader(request)) {
    const here = `${context.url}/consent?t=${encodeURIComponent(token)}`
    send(notEmbeddedPage(language, tokenFormat.test(token) ? here : `${context.url}/privacy`))
    return
  }
  const question = await questionOf(context, token)
  const state = stateOf(query.get('state'))
  if (question === undefined) return send(await closedPage(context, language, { token, state }))
  if (!(await proof.isGiven(request, question)))
    return send(proof.page({ request }, token, question))
  // A choice in the address comes first, then what the browser asks for; the partner's wish counts where neither says one.
  const view = await context.consent.openCapture(token, locales.length > 0 ? locales : undefined)
  if (view === undefined) return send(gonePage(language))
  const { browser, headers } = context.sameBrowser.of(request)
  const page = consentPage(
    context.house,
    view,
    {
      action: `${context.url}/consent`,
      fields: {
        t: token,
        form_token: context.sameBrowser.tokenFor(browser, thingOf(token, view)),
        text: view.textHash,
        locale: view.notice.locale,
        ...(state !== '' && { state }),
      },
    },
    {
      maskedNumber: numberOf(context, view),
      languageLink: (locale) =>
        `?${new URLSearchParams({ t: token, locale, ...(state !== '' && { state }) })}`,
    },
  )
  send({ ...page, headers })
}

async function questionOf(
  { consent, environment }: PageContext,
  token: string,
): Promise<CaptureQuestion | undefined> {
  if (!tokenFormat.test(token)) return undefined
  const found = await consent.findCapture(token)
  // A link of the other environment is none of ours, and the code flow has pages of its own.
  return found?.environment === environment && found.channel !== 'authorization' ? found : undefined
}

const thingOf = (
  token: string,
  { textHash, notice }: { textHash: string; notice: { locale: string } },
): string => `capture\0${token}\0${textHash}\0${notice.locale}`

function numberOf(
  { openNumber, log }: PageContext,
  { sealedNumber }: CaptureQuestion,
): string | undefined {
  if (sealedNumber === undefined) return undefined
  try {
    return maskedNumber(openNumber(sealedNumber))
  } catch (error) {
    log.warn({ err: error }, 'the number of a capture could not be opened')
    return undefined
  }
}

async function answer(
  context: PageContext,
  proof: CaptureProof,
  { request, response }: Exchange,
): Promise<void> {
  const { house, sameBrowser, consent } = context
  const form = await readForm(request)
  const language = languageOf(
    localesOf(new Map([['locale', form.get('locale') ?? '']]), request.headers['accept-language']),
  )
  const token = form.get('t') ?? ''
  const shown = { textHash: form.get('text') ?? '', notice: { locale: form.get('locale') ?? '' } }
  const send = (page: Parameters<typeof sendPage>[2]) => sendPage(response, house, page)
  const held =
    isFromOurPage(request, context.origin) &&
    sameBrowser.holds(request, thingOf(token, shown), form.get('form_token'))
  if (!held) return send(otherBrowserPage(language))
  const said = form.get('answer')
  if (said !== 'allow' && said !== 'refuse') return send(missingAnswerPage(language))
  const question = await questionOf(context, token)
  const state = stateOf(form.get('state'))
  // Who was too late must not believe that the answer counts.
  const closed = async (): Promise<void> =>
    send((await missedPage(context, language, { token, state })) ?? answeredPage(house, language))
  if (question === undefined) return await closed()
  if (!(await proof.isGiven(request, question)))
    return seeOther(response, house, `${context.url}/consent?t=${token}`)
  try {
    await consent.answerCapture(token, said, {
      method: question.channel === 'ciba' ? 'sms-link' : 'one-time-code',
      textHash: shown.textHash,
      locale: shown.notice.locale,
    })
  } catch (error) {
    if (!(error instanceof CaptureRefused)) throw error
    // The words changed while they were read: they are shown again, and nothing was decided.
    if (error.reason === 'other-text')
      return seeOther(response, house, `${context.url}/consent?t=${token}`)
    return await closed()
  }
  seeOther(
    response,
    house,
    `${context.url}/consent/done?d=${sealDecided(context, request, { question, answer: said, locale: shown.notice.locale, state })}`,
  )
}

type Decided = {
  answer: 'allow' | 'refuse'
  partnerName: string
  applicationName: string
  returnTo?: string | undefined
  locale: string
  until: number
}

const decidedContext = 'decided'

/** What the next page shows, for this browser only; loading it again is harmless. */
function sealDecided(
  context: PageContext,
  request: Exchange['request'],
  given: {
    question: CaptureQuestion
    answer: 'allow' | 'refuse'
    locale: string
    state: string
  },
): string {
  const { question, answer, locale, state } = given
  const decided: Decided = {
    answer,
    partnerName: question.partner.name,
    applicationName: question.application.name,
    returnTo: withResult(question.returnTo, answer === 'allow' ? 'granted' : 'denied', state),
    locale,
    until: context.clock.now().getTime() + doneSeconds * 1_000,
  }
  const { browser } = context.sameBrowser.of(request)
  return context.sealing.seal(JSON.stringify(decided), `${decidedContext}\0${browser}`)
}

function showDecided(context: PageContext, { request, response }: Exchange): void {
  const query = queryOf(request)
  const { browser } = context.sameBrowser.of(request)
  const decided = openDecided(context, query.get('d') ?? '', browser)
  const language = languageOf([
    ...(decided === undefined ? [] : [decided.locale]),
    ...localesOf(query, request.headers['accept-language']),
  ])
  sendPage(
    response,
    context.house,
    decided === undefined ? gonePage(language) : decidedPage(context.house, language, decided),
  )
}

function openDecided(context: PageContext, sealed: string, browser: string): Decided | undefined {
  if (sealed === '' || sealed.length > 8_192) return undefined
  try {
    const decided = JSON.parse(
      context.sealing.open(sealed, `${decidedContext}\0${browser}`),
    ) as Decided
    return decided.until > context.clock.now().getTime() ? decided : undefined
  } catch {
    return undefined
  }
}
