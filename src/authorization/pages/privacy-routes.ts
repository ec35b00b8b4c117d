import type { IncomingMessage } from 'node:http'
import { CaptureRefused, type ConsentRecord } from '#consent'
import type { Database } from '#platform/database'
import type { EndpointPart, PageExchange } from '../grants/grant-part.ts'
import { isPhoneNumber } from '../network-authentication.ts'
import { cookieOf } from './cookies.ts'
import { withFaultPage } from './fault-page.ts'
import { type Language, languageOf } from './languages.ts'
import { gonePage, notEmbeddedPage, otherBrowserPage } from './notice-pages.ts'
import { type Page, pageHeaders, seeOther, sendPage } from './page.ts'
import { localesOf, type PageContext } from './page-needs.ts'
import { codePage, endPage, listPage, type ShownConsent, signInPage } from './privacy-pages.ts'
import { createPrivacySessions, type PrivacySessions, type SignedIn } from './privacy-session.ts'
import {
  type OtherUse,
  objectionThing,
  objectPage,
  otherUses,
  type ShownUse,
} from './privacy-uses.ts'
import { readerOf } from './reader.ts'
import { isForTheReader, isFromOurPage, queryOf, readForm } from './request-guard.ts'
import type { SubscriberTables } from './subscriber-store.ts'

type Exchange = Pick<PageExchange, 'request' | 'response' | 'correlator'>
type Visit = Exchange & {
  context: PageContext
  sessions: PrivacySessions
  language: Language
  query: ReadonlyMap<string, string>
  /** of the answer: gives out the secret of this browser, and keeps a chosen language */
  headers: Readonly<Record<string, string | readonly string[]>>
  tokens: (thing: string) => string
}
type Step = (visit: Visit) => Promise<void> | void

/** The page of a subscriber's own consents, behind a code to the phone. */
export function privacyEndpoints(
  context: PageContext,
  db: Database<SubscriberTables>,
): EndpointPart[] {
  const sessions = createPrivacySessions(context, db)
  const endpoint = (path: string, steps: { get?: Step; post?: Step }): EndpointPart => ({
    path,
    kind: 'page',
    methods: [
      ...(steps.get === undefined ? [] : ['GET', 'HEAD']),
      ...(steps.post === undefined ? [] : ['POST']),
    ],
    serve: (exchange) => visit(context, sessions, exchange, steps),
  })
  return [
    endpoint('/privacy', { get: showOwn }),
    endpoint('/privacy/code', { get: showCode, post: sendCode }),
    endpoint('/privacy/session', { post: enter }),
    endpoint('/privacy/end', { get: askEnd, post: end }),
    endpoint('/privacy/object', { get: askObject, post: object }),
    endpoint('/privacy/records', { get: download }),
    endpoint('/privacy/sign-out', { post: leave }),
  ]
}

const languageSeconds = 31_536_000

async function visit(
  context: PageContext,
  sessions: PrivacySessions,
  exchange: Exchange,
  steps: { get?: Step; post?: Step },
): Promise<void> {
  const { request } = exchange
  const query = queryOf(request)
  const choice = cookieOf('language', context)
  const chosen = query.get('locale')
  const language = languageOf([
    ...(chosen === undefined ? [] : [chosen]),
    choice.read(request) ?? '',
    ...localesOf(query, request.headers['accept-language']),
  ])
  const { browser, headers } = context.sameBrowser.of(request)
  const kept = [
    ...Object.values(headers),
    ...(chosen === undefined ? [] : [choice.set(language, languageSeconds)]),
  ]
  const made: Visit = {
    ...exchange,
    context,
    sessions,
    language,
    query,
    headers: kept.length === 0 ? {} : { 'set-cookie': kept },
    tokens: (thing) => context.sameBrowser.tokenFor(browser, thing),
  }
  const serve = (): Promise<void> | void => {
    if (request.method === 'POST') return steps.post?.(made)
    if (!isForTheReader(request))
      return show(made, notEmbeddedPage(language, `${context.url}/privacy`))
    return steps.get?.(made)
  }
  await withFaultPage(context, exchange, serve, made.headers)
}

const show = ({ response, context, headers }: Visit, page: Page): void =>
  sendPage(response, context.house, { ...page, headers: { ...page.headers, ...headers } })

const goTo = (
  { response, context, headers }: Visit,
  path: string,
  cookies: readonly string[] = [],
): void => {
  const set = [...((headers['set-cookie'] as readonly string[] | undefined) ?? []), ...cookies]
  seeOther(response, context.house, `${context.url}${path}`, {
    ...headers,
    ...(set.length === 0 ? {} : { 'set-cookie': set }),
  })
}

/** The form of a page of ours in this browser, or nothing after a page that says so. */
async function formOf(
  visit: Visit,
  thing: (form: ReadonlyMap<string, string>) => string,
): Promise<ReadonlyMap<string, string> | undefined> {
  const { request, context, language } = visit
  const form = await readForm(request)
  if (
    isFromOurPage(request, context.origin) &&
    context.sameBrowser.holds(request, thing(form), form.get('form_token'))
  )
    return form
  show(visit, otherBrowserPage(language))
  return undefined
}

const showOwn: Step = async (visit) => {
  const { context, sessions, request, language, tokens, query } = visit
  const who = await sessions.signedIn(request)
  if (who === undefined || who === 'ended') {
    const fault = who ?? (query.has('left') ? 'signed-out' : undefined)
    return show(visit, signInPage(context.house, language, tokens, fault))
  }
  const [consents, uses] = await Promise.all([ownConsents(visit, who), ownUses(visit, who)])
  const records = consents.map(({ record }) => record)
  const done = records.find(({ id }) => id === query.get('done'))
  const others = otherUses(uses, records)
  const { maskedNumber } = who
  show(
    visit,
    listPage(context.house, language, tokens, { maskedNumber, consents, uses, others, done }),
  )
}

/** In the sandbox the subscriber is shared, so a partner sees what is its own. */
function ownOf<T extends { partnerId: string }>({ context, request }: Visit, all: T[]): T[] {
  if (context.environment === 'production') return all
  const { partnerId } = readerOf(context, request)
  return all.filter((one) => one.partnerId === partnerId)
}

async function recordsOf(visit: Visit, subject: string): Promise<ConsentRecord[]> {
  const { consent, environment } = visit.context
  return ownOf(visit, await consent.listOf(environment, subject))
}

async function ownUses(visit: Visit, { subject }: SignedIn): Promise<ShownUse[]> {
  return ownOf(visit, await visit.context.usesOf(subject, visit.language))
}

async function ownConsents(visit: Visit, { subject }: SignedIn): Promise<ShownConsent[]> {
  const { context, language } = visit
  const records = await recordsOf(visit, subject)
  return await context.describe(records, language)
}

const sendCode: Step = async (visit) => {
  const { context, sessions, request, language, tokens } = visit
  const form = await formOf(visit, () => 'privacy-number')
  if (form === undefined) return
  const number = (form.get('number') ?? '').replace(/[\s().\-/\u00a0\u202f]/g, '')
  if (!isPhoneNumber(number) || !context.mayServe(number))
    return show(
      visit,
      signInPage(context.house, language, tokens, 'number', form.get('number')?.slice(0, 32)),
    )
  goTo(visit, '/privacy/code', [await sessions.sendCode(request, number, language)])
}

const showCode: Step = (visit) => {
  const { context, sessions, request, language, tokens } = visit
  const claim = sessions.claimOf(request)
  if (claim === undefined) return goTo(visit, '/privacy')
  show(visit, codePage(context.house, language, tokens, claim, false))
}

const enter: Step = async (visit) => {
  const { context, sessions, request, language, tokens } = visit
  const form = await formOf(visit, () => 'privacy-code')
  if (form === undefined) return
  const claim = sessions.claimOf(request)
  if (claim === undefined) return goTo(visit, '/privacy')
  const code = (form.get('code') ?? '').replaceAll(/\s/g, '')
  const cookies = /^\d{6}$/.test(code) ? await sessions.enter(request, code) : undefined
  if (cookies === undefined)
    return show(visit, codePage(context.house, language, tokens, claim, true))
  goTo(visit, '/privacy', cookies)
}

/** One of this subscriber's own, whatever id was asked for. */
async function ownConsent(
  visit: Visit,
  id: string | undefined,
): Promise<ShownConsent | 'signed-out' | undefined> {
  const who = await visit.sessions.signedIn(visit.request)
  if (who === undefined || who === 'ended') return 'signed-out'
  return (await ownConsents(visit, who)).find(({ record }) => record.id === id)
}

const askEnd: Step = async (visit) => {
  const { context, language, tokens, query } = visit
  const one = await ownConsent(visit, query.get('id'))
  if (one === 'signed-out') return goTo(visit, '/privacy')
  if (one === undefined) return show(visit, gonePage(language))
  show(visit, endPage(context.house, language, tokens, one))
}

const end: Step = async (visit) => {
  const { context, language } = visit
  const form = await formOf(visit, (fields) => `privacy-end\0${fields.get('id') ?? ''}`)
  if (form === undefined) return
  const one = await ownConsent(visit, form.get('id'))
  if (one === 'signed-out') return goTo(visit, '/privacy')
  if (one === undefined) return show(visit, gonePage(language))
  const { id, environment, subject } = one.record
  await context.consent.withdraw(environment, id, ownHand(subject))
  goTo(visit, `/privacy?done=${id}`)
}

const ownHand = (subject: string) =>
  ({ kind: 'subscriber', subject, channel: 'privacy-page', method: 'one-time-code' }) as const

/** One of this subscriber's own uses on a legitimate interest, whatever was asked for. */
async function ownInterest(
  visit: Visit,
  fields: ReadonlyMap<string, string>,
): Promise<{ subject: string; use: OtherUse } | 'signed-out' | undefined> {
  const who = await visit.sessions.signedIn(visit.request)
  if (who === undefined || who === 'ended') return 'signed-out'
  const use = otherUses(await ownUses(visit, who), []).find(
    ({ applicationId, basis, purpose }) =>
      basis === 'legitimate-interest' &&
      applicationId === fields.get('application') &&
      purpose !== undefined &&
      purpose.term === fields.get('purpose'),
  )
  return use && { subject: who.subject, use }
}

const askObject: Step = async (visit) => {
  const { context, language, tokens, query } = visit
  const own = await ownInterest(visit, query)
  if (own === 'signed-out') return goTo(visit, '/privacy')
  show(
    visit,
    own === undefined ? gonePage(language) : objectPage(context.house, language, tokens, own.use),
  )
}

const object: Step = async (visit) => {
  const { context, language } = visit
  const form = await formOf(visit, (fields) =>
    objectionThing(fields.get('application') ?? '', fields.get('purpose') ?? ''),
  )
  if (form === undefined) return
  const own = await ownInterest(visit, form)
  if (own === 'signed-out') return goTo(visit, '/privacy')
  if (own === undefined) return show(visit, gonePage(language))
  const { subject, use } = own
  // The whole of what the application gets for this purpose, also what it has not asked for yet.
  const scopes = await Promise.all(use.uses.map(({ apiId }) => context.scopesOfApi(apiId)))
  const about = {
    environment: context.environment,
    subject,
    applicationId: use.applicationId,
    purpose: use.purpose?.term ?? '',
    scopes: scopes.flat(),
  }
  try {
    const id = await context.consent.object(about, ownHand(subject))
    goTo(visit, `/privacy?done=${id}`)
  } catch (error) {
    // By now it rests on something else.
    if (!(error instanceof CaptureRefused)) throw error
    show(visit, gonePage(language))
  }
}

const download: Step = async (visit) => {
  const { context, sessions, request, response } = visit
  const who = await sessions.signedIn(request)
  if (who === undefined || who === 'ended') return goTo(visit, '/privacy')
  const records = await recordsOf(visit, who.subject)
  const text = `${JSON.stringify(await context.exportOf(records), null, 2)}\n`
  response.writeHead(200, {
    ...pageHeaders(context.house),
    'content-type': 'application/json; charset=utf-8',
    'content-disposition': 'attachment; filename="consent-records.json"',
    'content-length': Buffer.byteLength(text),
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

const leave: Step = async (visit) => {
  const form = await formOf(visit, () => 'privacy-leave')
  if (form === undefined) return
  goTo(visit, '/privacy?left', await visit.sessions.leave(visit.request as IncomingMessage))
}
