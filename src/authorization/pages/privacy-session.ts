import { randomInt } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { AppError } from '#platform/app-error'
import type { AttemptLimit } from '#platform/attempts'
import type { Database } from '#platform/database'
import { networkOf } from '#platform/network'
import { cookieOf } from './cookies.ts'
import type { Language } from './languages.ts'
import type { PageContext } from './page-needs.ts'
import { readerOf } from './reader.ts'
import { maskedNumber } from './show-number.ts'
import {
  addCode,
  addSession,
  endSession,
  forgetExpired,
  type SubscriberTables,
  touchSession,
  tryCode,
} from './subscriber-store.ts'
import { wordsOf } from './words.ts'

const codeSeconds = 300
const maxTries = 5
const idleSeconds = 900
const longestSeconds = 3_600

/** What the sending of codes and the guessing at them are held to, over all processes. */
const limits = {
  codesOfNumber: { name: 'privacy-code-number', limit: 4, windowSeconds: 900 },
  codesOfNumberADay: { name: 'privacy-code-number-day', limit: 12, windowSeconds: 86_400 },
  codesOfAddress: { name: 'privacy-code-address', limit: 30, windowSeconds: 900 },
  codesOfAll: { name: 'privacy-code-all', limit: 1_200, windowSeconds: 60 },
  triesOfAddress: { name: 'privacy-try-address', limit: 100, windowSeconds: 900 },
  triesOfNumber: { name: 'privacy-try-number', limit: 20, windowSeconds: 900 },
} as const satisfies Record<string, AttemptLimit>

/** In the sandbox a number is shared by everybody who tries something: one must not lock the others out. */
const ofNumber = (environment: string, limit: AttemptLimit): AttemptLimit =>
  environment === 'sandbox' ? { ...limit, limit: limit.limit * 50 } : limit

/** A person who is about to show that a number is theirs, in this browser. */
export type Claim = { id: string; phoneNumber: string; until: number }
/** A person who has shown it. */
export type SignedIn = { subject: string; maskedNumber: string; idHash: string }

/** Sign-in of subscribers by a code to their phone. */
export interface PrivacySessions {
  /** Sends a code. @returns the cookie field; the same, as soon, for every number. @throws AppError when too many */
  sendCode(request: IncomingMessage, phoneNumber: string, language: Language): Promise<string>
  claimOf(request: IncomingMessage): { maskedNumber: string } | undefined
  /** @returns the cookie fields of a session, undefined for a code that is wrong or no longer good */
  enter(request: IncomingMessage, code: string): Promise<readonly string[] | undefined>
  signedIn(request: IncomingMessage): Promise<SignedIn | 'ended' | undefined>
  leave(request: IncomingMessage): Promise<readonly string[]>
}

export function createPrivacySessions(
  context: PageContext,
  db: Database<SubscriberTables>,
): PrivacySessions {
  const { sealing, environment, clock, attempts, sameBrowser } = context
  const claimCookie = cookieOf('claim', context)
  const sessionCookie = cookieOf('session', context)
  const hash = (purpose: string, ...parts: string[]): string =>
    sealing.keyedHash(`privacy-${purpose}`, parts.join('\0'))
  const sessionHash = (request: IncomingMessage, id: string): string =>
    hash('session', id, sameBrowser.of(request).browser)

  const openClaim = (request: IncomingMessage): Claim | undefined => {
    const claim = openedCookie<Claim>(context, claimCookie.read(request), 'claim')
    return claim !== undefined && claim.until > clock.now().getTime() ? claim : undefined
  }

  return {
    async sendCode(request, phoneNumber, language) {
      // The same for every number, and better than to wait for a message that nobody sends.
      if (context.messagesMissing !== undefined)
        throw new AppError('UNAVAILABLE', context.messagesMissing)
      const subject = context.subjectOf(phoneNumber)
      await attempts.take(limits.codesOfAddress, networkOf(context.addressOf(request)))
      await attempts.take(ofNumber(environment, limits.codesOfNumber), `${environment}:${subject}`)
      await attempts.take(
        ofNumber(environment, limits.codesOfNumberADay),
        `${environment}:${subject}`,
      )
      await attempts.take(limits.codesOfAll, environment)
      const code = String(randomInt(1_000_000)).padStart(6, '0')
      const id = context.randomSecret()
      const now = clock.now()
      const expiresAt = new Date(now.getTime() + codeSeconds * 1_000)
      await forgetExpired(db, now)
      await addCode(db, {
        idHash: hash('code-id', id),
        environment,
        subject,
        codeHash: hash('code', id, code),
        expiresAt,
      })
      const text = wordsOf(language)
        .privacySms.replace('{code}', code)
        .replace('{operator}', context.operatorName)
      const reader = readerOf(context, request)
      // Not waited for: how long it takes, and whether it works, would tell whose number it is.
      setImmediate(() => {
        context.sendMessage(phoneNumber, text, reader).catch((error: unknown) => {
          context.log.warn({ err: error }, 'a code for the privacy page was not sent')
        })
      })
      const claim: Claim = { id, phoneNumber, until: expiresAt.getTime() }
      return claimCookie.set(sealing.seal(JSON.stringify(claim), 'claim'), codeSeconds)
    },

    claimOf(request) {
      const claim = openClaim(request)
      return claim === undefined ? undefined : { maskedNumber: maskedNumber(claim.phoneNumber) }
    },

    async enter(request, code) {
      const claim = openClaim(request)
      if (claim === undefined) return undefined
      await attempts.take(limits.triesOfAddress, networkOf(context.addressOf(request)))
      await attempts.take(
        ofNumber(environment, limits.triesOfNumber),
        `${environment}:${context.subjectOf(claim.phoneNumber)}`,
      )
      const now = clock.now()
      const subject = await tryCode(db, {
        idHash: hash('code-id', claim.id),
        environment,
        codeHash: hash('code', claim.id, code),
        maxTries,
        now,
      })
      if (subject === undefined) return undefined
      const id = context.randomSecret()
      await addSession(db, {
        idHash: sessionHash(request, id),
        environment,
        subject,
        now,
        expiresAt: new Date(now.getTime() + longestSeconds * 1_000),
      })
      const session = { id, maskedNumber: maskedNumber(claim.phoneNumber) }
      return [
        sessionCookie.set(sealing.seal(JSON.stringify(session), 'session')),
        claimCookie.clear(),
      ]
    },

    async signedIn(request) {
      const given = sessionCookie.read(request)
      if (given === undefined || given === '') return undefined
      const session = openedCookie<{ id: string; maskedNumber: string }>(context, given, 'session')
      if (session === undefined) return undefined
      const now = clock.now()
      const idHash = sessionHash(request, session.id)
      const idleSince = new Date(now.getTime() - idleSeconds * 1_000)
      const subject = await touchSession(db, { idHash, environment, now, idleSince })
      return subject === undefined
        ? 'ended'
        : { subject, maskedNumber: session.maskedNumber, idHash }
    },

    async leave(request) {
      const session = openedCookie<{ id: string }>(context, sessionCookie.read(request), 'session')
      if (session !== undefined) await endSession(db, sessionHash(request, session.id))
      return [sessionCookie.clear(), claimCookie.clear()]
    },
  }
}

/** What stands in a cookie that we sealed; only our own text opens, so its shape is what we wrote. */
function openedCookie<T>(
  { sealing }: PageContext,
  value: string | undefined,
  purpose: string,
): T | undefined {
  if (value === undefined || value === '' || value.length > 2_048) return undefined
  try {
    return JSON.parse(sealing.open(value, purpose)) as T
  } catch {
    return undefined
  }
}
