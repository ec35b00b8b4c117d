import type { IncomingMessage } from 'node:http'
import type { ConsentDirectory, ConsentRecord } from '#consent'
import type { Attempts } from '#platform/attempts'
import type { Clock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import type { Sealing } from '#platform/sealing'
import { acceptedLocales, type Language, requestedLocales } from './languages.ts'
import type { PageHouse } from './page.ts'
import type { ShownConsent } from './privacy-pages.ts'
import type { ShownUse } from './privacy-uses.ts'
import { createSameBrowser, type SameBrowser } from './same-browser.ts'

/**
 * Whose sandbox a browser looks at. Seeded subscribers are shared by all partners, what is sent to them is not: a partner
 * sees what its own applications caused, and somebody without one what this browser caused itself.
 */
export type Reader = { partnerId: string | undefined; browser: string }

/** A message to the subscriber behind a number. It returns before anybody has read it, and may fail. */
export type SendMessage = (phoneNumber: string, text: string, reader: Reader) => Promise<void>

/** What the pages of subscribers of one environment work with. */
export type PageNeeds = {
  environment: Environment
  /** `https://auth.example.com/sandbox` */
  url: string
  operatorName: string
  consent: Pick<
    ConsentDirectory,
    | 'findCapture'
    | 'findMissed'
    | 'openCapture'
    | 'noteReached'
    | 'answerCapture'
    | 'listOf'
    | 'withdraw'
    | 'object'
  >
  subjectOf: (phoneNumber: string) => string
  /** the number that a capture was sealed with */
  openNumber: (sealed: string) => string
  sendMessage: SendMessage
  /** why no message can be sent here at all; undefined where it can */
  messagesMissing?: string | undefined
  /** whether a number may be one of this operator's, by its form alone */
  mayServe: (phoneNumber: string) => boolean
  /** where a request comes from, behind proxies that are trusted */
  addressOf: (request: IncomingMessage) => string
  /** purposes and scopes in the words of the notices, and what happened when */
  describe: (records: readonly ConsentRecord[], language: Language) => Promise<ShownConsent[]>
  /** the calls that were answered about a subscriber */
  usesOf: (subject: string, language: Language) => Promise<ShownUse[]>
  scopesOfApi: (apiId: string) => Promise<readonly string[]>
  /** what is kept of one consent, with its notice and its history, for its subscriber */
  exportOf: (records: readonly ConsentRecord[]) => Promise<unknown>
  sealing: Sealing
  attempts: Attempts
  clock: Clock
  log: Log
  /** 256 bits, 43 characters */
  randomSecret: () => string
}

/** The same, with what is made of it once. */
export type PageContext = PageNeeds & {
  house: PageHouse
  origin: string
  sameBrowser: SameBrowser
  /** the sealing of the process: what other parts of it made can be opened with it */
  hostSealing: Sealing
}

export function pageContext(needs: PageNeeds): PageContext {
  // Keys of its own for each environment: what one makes is nothing in the other.
  const sealing = needs.sealing.child(`pages:${needs.environment}`)
  const { operatorName, environment, url } = needs
  return {
    ...needs,
    sealing,
    hostSealing: needs.sealing,
    house: { operatorName, environment, url },
    origin: new URL(url).origin,
    sameBrowser: createSameBrowser({ ...needs, sealing }),
  }
}

/** Best first: what was asked for in the address, then what the browser says. */
export const localesOf = (
  query: ReadonlyMap<string, string>,
  acceptLanguage: string | undefined,
): string[] => [
  ...requestedLocales(query.get('locale') ?? query.get('ui_locales')),
  ...acceptedLocales(acceptLanguage),
]
