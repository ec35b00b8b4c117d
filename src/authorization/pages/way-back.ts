import type { Language } from './languages.ts'
import { gonePage, returningPage } from './notice-pages.ts'
import type { Page } from './page.ts'
import type { PageContext } from './page-needs.ts'

/** 256 bits as the consent module writes them; anything else need not be looked up. */
export const tokenFormat = /^[A-Za-z0-9_-]{20,128}$/

/** a link with a longer one would not pass the usual bounds of an address, once it is encoded */
const longestState = 4_096

/** What the partner put into its link, to be given back to it as it is (consent-info, `state`). */
export const stateOf = (text: string | undefined): string =>
  text === undefined || text.length > longestState ? '' : text

/** What came of a question, as the partner's page is told (consent-info, `capture_result`). */
export type CaptureResult = 'granted' | 'denied' | 'timeout' | 'error'

/** Where a partner's page is told what came of it (consent-info, `callbackUrl`). */
export function withResult(
  returnTo: string | undefined,
  result: CaptureResult,
  state: string,
): string | undefined {
  if (returnTo === undefined) return undefined
  // A space as %20 is read alike by those who decode a form and those who decode an address.
  const given = state === '' ? '' : `&state=${encodeURIComponent(state.toWellFormed())}`
  return `${returnTo}${returnTo.includes('?') ? '&' : '?'}capture_result=${result}${given}`
}

/** A question that ends without an answer, with the way back for those who came from an application. */
export function backPage(
  language: Language,
  from: { applicationName: string; returnTo?: string | undefined },
  { result, state }: { result: 'timeout' | 'error'; state: string },
): Page {
  const returnTo = withResult(from.returnTo, result, state)
  return returnTo === undefined
    ? gonePage(language)
    : returningPage(language, { applicationName: from.applicationName, returnTo })
}

/**
 * A question that is over without an answer; undefined when there is none. One that came from a partner's page leads back
 * there; of all others nobody learns which ones exist.
 */
export async function missedPage(
  { consent, environment }: PageContext,
  language: Language,
  { token, state }: { token: string; state: string },
): Promise<Page | undefined> {
  const missed = tokenFormat.test(token) ? await consent.findMissed(token) : undefined
  if (missed?.environment !== environment) return undefined
  return missed.back === undefined
    ? gonePage(language)
    : backPage(language, missed.back, { result: 'timeout', state })
}

/** A link that is not open any more, for whatever reason. */
export const closedPage = async (
  context: PageContext,
  language: Language,
  link: { token: string; state: string },
): Promise<Page> => (await missedPage(context, language, link)) ?? gonePage(language)
