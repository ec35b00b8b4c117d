import type { CaptureQuestion } from '#consent'
import type { Database } from '#platform/database'
import type { EndpointPart, PageExchange } from '../grants/grant-part.ts'
import { withFaultPage } from './fault-page.ts'
import { filled, html, named } from './html.ts'
import { type Language, languageOf } from './languages.ts'
import { otherBrowserPage } from './notice-pages.ts'
import { type Page, type PageHouse, seeOther, sendPage } from './page.ts'
import { localesOf, type PageContext } from './page-needs.ts'
import { createPrivacySessions } from './privacy-session.ts'
import { isFromOurPage, queryOf, readForm } from './request-guard.ts'
import { maskedNumber } from './show-number.ts'
import type { SubscriberTables } from './subscriber-store.ts'
import { backPage, closedPage, stateOf } from './way-back.ts'
import { wordsOf } from './words.ts'

type Exchange = Pick<PageExchange, 'request' | 'response' | 'correlator'>

/**
 * A capture URL passes through the partner that asked for it, so having it shows nothing: before its question is shown,
 * whoever opened it proves by a code to the phone to be the subscriber. A link in a message has shown that already.
 */
export interface CaptureProof {
  isGiven(request: Exchange['request'], question: CaptureQuestion): Promise<boolean>
  /** asks for it, with a code or for one */
  page(exchange: Pick<Exchange, 'request'>, token: string, question: CaptureQuestion): Page
  endpoints: readonly EndpointPart[]
}

export function createCaptureProof(
  context: PageContext,
  db: Database<SubscriberTables>,
  open: (token: string) => Promise<CaptureQuestion | undefined>,
): CaptureProof {
  const sessions = createPrivacySessions(context, db)
  const { house, url, sameBrowser } = context
  const thing = (step: 'send' | 'enter', token: string): string => `capture-${step}\0${token}`
  const languageFor = (request: Exchange['request']): Language =>
    languageOf(localesOf(queryOf(request), request.headers['accept-language']))

  /** What a partner names may be anybody's: a message goes to subscribers of this operator only. */
  const phoneNumberOf = ({ sealedNumber, channel }: CaptureQuestion): string | undefined => {
    if (sealedNumber === undefined || channel !== 'capture-url') return undefined
    const number = context.openNumber(sealedNumber)
    return context.mayServe(number) ? number : undefined
  }

  const stepPage = (
    request: Exchange['request'],
    token: string,
    question: CaptureQuestion,
    given: { state: string; wrong?: boolean; entering: boolean },
  ): Page => {
    const language = languageFor(request)
    const { browser, headers } = sameBrowser.of(request)
    const phoneNumber = phoneNumberOf(question)
    if (phoneNumber === undefined)
      return backPage(language, fromOf(question), { result: 'error', state: given.state })
    const number = maskedNumber(phoneNumber)
    const step = given.entering ? 'enter' : 'send'
    const fields = {
      t: token,
      state: given.state,
      form_token: sameBrowser.tokenFor(browser, thing(step, token)),
    }
    const make = given.entering ? enterPage : sendCodePage
    return {
      ...make(house, language, { fields, number, question, wrong: given.wrong === true }),
      headers,
    }
  }

  /** The form of a page of ours in this browser and its open question, or nothing after a page that says so. */
  const formOf = async ({ request, response }: Exchange, step: 'send' | 'enter') => {
    const form = await readForm(request)
    const token = form.get('t') ?? ''
    const language = languageFor(request)
    const held =
      isFromOurPage(request, context.origin) &&
      sameBrowser.holds(request, thing(step, token), form.get('form_token'))
    const question = held ? await open(token) : undefined
    const phoneNumber = question && phoneNumberOf(question)
    if (question !== undefined && phoneNumber !== undefined)
      return { form, token, language, question, phoneNumber }
    const state = stateOf(form.get('state'))
    sendPage(
      response,
      house,
      held ? await closedPage(context, language, { token, state }) : otherBrowserPage(language),
    )
    return undefined
  }

  const sendCode = async (exchange: Exchange): Promise<void> => {
    const held = await formOf(exchange, 'send')
    if (held === undefined) return
    const cookie = await sessions.sendCode(exchange.request, held.phoneNumber, held.language)
    const back = `${linkTo(url, held.token, held.form.get('state') ?? '')}&step=code`
    seeOther(exchange.response, house, back, { 'set-cookie': [cookie] })
  }

  const enter = async (exchange: Exchange): Promise<void> => {
    const { request, response } = exchange
    const held = await formOf(exchange, 'enter')
    if (held === undefined) return
    const { form, token, question } = held
    const state = form.get('state') ?? ''
    const code = (form.get('code') ?? '').replaceAll(/\s/g, '')
    const cookies = /^\d{6}$/.test(code) ? await sessions.enter(request, code) : undefined
    if (cookies !== undefined) {
      await context.consent.noteReached(token, 'a code to the phone was entered')
      return seeOther(response, house, linkTo(url, token, state), { 'set-cookie': cookies })
    }
    sendPage(
      response,
      house,
      stepPage(request, token, question, { state, wrong: true, entering: true }),
    )
  }

  const endpoint = (path: string, serve: (exchange: Exchange) => Promise<void>): EndpointPart => ({
    path,
    methods: ['POST'],
    kind: 'page',
    serve: (exchange) => withFaultPage(context, exchange, () => serve(exchange)),
  })

  return {
    async isGiven(request, { channel, subject }) {
      if (channel !== 'capture-url') return true
      const who = await sessions.signedIn(request)
      return typeof who === 'object' && who.subject === subject
    },
    page({ request }, token, question) {
      const query = queryOf(request)
      const entering = query.get('step') === 'code' && sessions.claimOf(request) !== undefined
      return stepPage(request, token, question, { state: stateOf(query.get('state')), entering })
    },
    endpoints: [endpoint('/consent/code', sendCode), endpoint('/consent/session', enter)],
  }
}

const fromOf = ({ application, returnTo }: CaptureQuestion) => ({
  applicationName: application.name,
  returnTo,
})

const linkTo = (url: string, token: string, state: string): string =>
  `${url}/consent?${new URLSearchParams({ t: token, ...(state !== '' && { state }) })}`

type Step = {
  fields: Readonly<Record<string, string>>
  number: string
  question: CaptureQuestion
  wrong: boolean
}

const hiddenFields = (fields: Step['fields']) =>
  Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )

function sendCodePage(
  house: PageHouse,
  language: Language,
  { fields, number, question }: Step,
): Page {
  const words = wordsOf(language)
  const lead = filled(words.proofLead, {
    application: named(question.application.name),
    number: html`<span class="number">${number}</span>`,
  })
  return {
    locale: language,
    title: words.proofTitle,
    body: html`<div class="card"><h1>${words.proofTitle}</h1><p>${lead}</p>
<form method="post" action="${house.url}/consent/code">${hiddenFields(fields)}
<div class="actions"><button>${words.privacySend}</button></div></form></div>`,
  }
}

function enterPage(house: PageHouse, language: Language, { fields, number, wrong }: Step): Page {
  const words = wordsOf(language)
  const lead = filled(words.privacyCodeLead, {
    number: html`<span class="number">${number}</span>`,
  })
  return {
    ...(wrong ? { status: 400 } : {}),
    locale: language,
    title: words.privacyCodeTitle,
    body: html`<div class="card"><h1>${words.privacyCodeTitle}</h1><p>${lead}</p>
${wrong && html`<p id="fault" class="bad" role="alert">${words.privacyWrongCode}</p>`}
<form method="post" action="${house.url}/consent/session" autocomplete="off">${hiddenFields(fields)}
<label for="code">${words.privacyCode}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6" dir="ltr" required autofocus${wrong && html` aria-invalid="true" aria-describedby="fault"`}>
<div class="actions"><button>${words.privacyCheck}</button></div></form></div>`,
  }
}
