import type { EndpointPart, PageExchange } from '../grants/grant-part.ts'
import {
  handsetCookie,
  handsetSessionSeconds,
  openHandsetSession,
  sealHandsetSession,
} from '../handset-session.ts'
import { cookieOf } from './cookies.ts'
import { withFaultPage } from './fault-page.ts'
import type { HandsetMessage, SeededSubscriber } from './handset-pages.ts'
import { choosePage, handsetPage, messageList, newestOf } from './handset-pages.ts'
import { openHandsetTicket } from './handset-ticket.ts'
import { notEmbeddedPage, otherBrowserPage } from './notice-pages.ts'
import { pageHeaders, seeOther, sendPage } from './page.ts'
import type { PageContext } from './page-needs.ts'
import { readerOf } from './reader.ts'
import { isForTheReader, isFromOurPage, queryOf, readForm } from './request-guard.ts'

/** What the simulated operator shows of its handsets. */
export interface HandsetSource {
  subscribers(): readonly SeededSubscriber[]
  /** newest first: what the applications of a partner sent, and what this browser itself caused */
  messagesTo(
    phoneNumber: string,
    reader: { partnerId: string | undefined; browser: string },
  ): Promise<readonly HandsetMessage[]>
}

type Exchange = Pick<PageExchange, 'request' | 'response' | 'correlator'>
const partnerSeconds = 43_200

/** The virtual handset: only the issuer of the sandbox has these addresses. */
export function handsetEndpoints(context: PageContext, source: HandsetSource): EndpointPart[] {
  return [
    {
      path: '/handset',
      methods: ['GET', 'HEAD', 'POST'],
      kind: 'page',
      serve: (exchange) =>
        withFaultPage(context, exchange, () =>
          exchange.request.method === 'POST'
            ? switchOn(context, source, exchange)
            : show(context, source, exchange),
        ),
    },
    {
      path: '/handset/messages',
      methods: ['GET'],
      kind: 'page',
      serve: (exchange) => showMessages(context, source, exchange),
    },
    {
      path: '/handset/off',
      methods: ['POST'],
      kind: 'page',
      serve: (exchange) => withFaultPage(context, exchange, () => switchOff(context, exchange)),
    },
  ]
}

function sessionOf(
  { hostSealing, clock }: PageContext,
  source: HandsetSource,
  request: Exchange['request'],
): SeededSubscriber | undefined {
  const value = plainCookie(request, handsetCookie)
  const session = openHandsetSession(hostSealing, value, clock.now())
  return source.subscribers().find(({ phoneNumber }) => phoneNumber === session?.phoneNumber)
}

function plainCookie(request: Exchange['request'], name: string): string | undefined {
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined
}

async function show(
  context: PageContext,
  source: HandsetSource,
  { request, response }: Exchange,
): Promise<void> {
  const { house, sameBrowser } = context
  if (!isForTheReader(request))
    return sendPage(response, house, notEmbeddedPage('en', `${context.url}/handset`))
  const given = queryOf(request).get('ticket')
  const partnerId = openHandsetTicket(context.hostSealing, given, context.clock.now())
  if (partnerId !== undefined)
    return seeOther(response, house, `${context.url}/handset`, {
      'set-cookie': cookieOf('partner', context).set(
        context.sealing.seal(partnerId, 'partner'),
        partnerSeconds,
      ),
    })
  const { browser, headers } = sameBrowser.of(request)
  const tokens = (thing: string) => sameBrowser.tokenFor(browser, thing)
  const subscriber = sessionOf(context, source, request)
  if (subscriber === undefined)
    return sendPage(response, house, {
      ...choosePage(house, tokens, source.subscribers(), undefined),
      headers,
    })
  const reader = readerOf(context, request)
  const messages = await source.messagesTo(subscriber.phoneNumber, reader)
  const ofPartner = reader.partnerId !== undefined
  sendPage(response, house, {
    ...handsetPage(house, tokens, { subscriber, messages, ofPartner }),
    headers,
  })
}

async function showMessages(
  context: PageContext,
  source: HandsetSource,
  { request, response }: Exchange,
): Promise<void> {
  const subscriber = sessionOf(context, source, request)
  const site = request.headers['sec-fetch-site']
  if (subscriber === undefined || (site !== undefined && site !== 'same-origin')) {
    response.writeHead(403, { ...pageHeaders(context.house), 'content-length': 0 }).end()
    return
  }
  const messages = await source.messagesTo(subscriber.phoneNumber, readerOf(context, request))
  const text = String(messageList(context.house, messages))
  response
    .writeHead(200, {
      ...pageHeaders(context.house),
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'x-newest': newestOf(messages),
    })
    .end(text)
}

async function switchOn(
  context: PageContext,
  source: HandsetSource,
  { request, response }: Exchange,
): Promise<void> {
  const { house, sameBrowser, clock, hostSealing } = context
  const form = await readForm(request)
  if (
    !isFromOurPage(request, context.origin) ||
    !sameBrowser.holds(request, 'handset', form.get('form_token'))
  )
    return sendPage(response, house, otherBrowserPage('en'))
  const phoneNumber = form.get('number')
  const known = source.subscribers().find((one) => one.phoneNumber === phoneNumber)
  if (known === undefined) return seeOther(response, house, `${context.url}/handset`)
  const expiresAt = new Date(clock.now().getTime() + handsetSessionSeconds * 1_000)
  const value = sealHandsetSession(hostSealing, { phoneNumber: known.phoneNumber, expiresAt })
  seeOther(response, house, `${context.url}/handset`, {
    'set-cookie': `${handsetCookie}=${value}; ${attributes(context.url)}; Max-Age=${handsetSessionSeconds}`,
  })
}

async function switchOff(context: PageContext, { request, response }: Exchange): Promise<void> {
  const { house, sameBrowser } = context
  const form = await readForm(request)
  if (
    !isFromOurPage(request, context.origin) ||
    !sameBrowser.holds(request, 'handset-off', form.get('form_token'))
  )
    return sendPage(response, house, otherBrowserPage('en'))
  seeOther(response, house, `${context.url}/handset`, {
    'set-cookie': `${handsetCookie}=; ${attributes(context.url)}; Max-Age=0`,
  })
}

// The code flow begins on a partner's page, so the cookie has to come along with a link from elsewhere.
const attributes = (url: string): string =>
  `Path=/; HttpOnly; SameSite=Lax${url.startsWith('https:') ? '; Secure' : ''}`
