import type { Environment } from '#platform/config'
import type { ConsentAnswer, ConsentRegister } from '#snapshot'
import type { SnapshotIndex } from '../snapshot-index.ts'

/**
 * Whom a 2-legged call asks about, for what.
 * @public
 */
export type ConsentQuestion = {
  subject: string
  applicationId: string
  /** undefined: the token names none, which only the sandbox lets pass */
  purpose: string | undefined
  /** those that need consent; empty: all of the API */
  scopes: readonly string[]
}

/**
 * The consents that cover the question, or no.
 * @public
 */
export type ConsentVerdict = { granted: true; consentIds: readonly string[] } | { granted: false }

/**
 * The verdict, or a promise of it that fails when nobody can tell.
 * @public
 */
export interface KnownConsents {
  ask(question: ConsentQuestion): ConsentVerdict | Promise<ConsentVerdict>
}

type Remembered = { answers: readonly ConsentAnswer[]; atMs: number }

const rememberedMs = 60_000
/** what somebody has not answered yet may be answered any moment */
const noMs = 1_000
const mostRemembered = 10_000
const mostAsking = 500

/**
 * Asks the register what subscribers said, and remembers it for a minute. A withdrawal needs no forgetting: its id comes
 * with the feed and is looked for in each answer. A no, and what nobody said, is asked for again after a second.
 * @public
 */
export function createKnownConsents(options: {
  register: ConsentRegister
  environment: Environment
  index: Pick<SnapshotIndex, 'isRevoked'>
  nowMs: () => number
  monotonicMs: () => number
}): KnownConsents {
  const { register, environment, index, nowMs, monotonicMs } = options
  let young = new Map<string, Remembered>()
  let old = new Map<string, Remembered>()
  const asking = new Map<string, Promise<readonly ConsentAnswer[]>>()

  const judge = (answers: readonly ConsentAnswer[], question: ConsentQuestion): ConsentVerdict =>
    environment === 'sandbox'
      ? judgeSandbox(live(answers), question.scopes)
      : judgeProduction(live(answers), question.scopes)

  /** Whether somebody said it, so that the feed tells when it ends. In the sandbox a yes may rest on nobody's word. */
  const isSaid = (answers: readonly ConsentAnswer[], question: ConsentQuestion): boolean =>
    environment === 'production' || judgeProduction(live(answers), question.scopes).granted

  const live = (answers: readonly ConsentAnswer[]): readonly ConsentAnswer[] => {
    const now = nowMs()
    return answers.map((answer) =>
      answer.granted &&
      (index.isRevoked(answer.id) ||
        (answer.expiresAtMs !== undefined && answer.expiresAtMs <= now))
        ? { ...answer, granted: false }
        : answer,
    )
  }

  const remember = (key: string, answers: readonly ConsentAnswer[]): void => {
    if (young.size >= mostRemembered) {
      old = young
      young = new Map()
    }
    old.delete(key)
    young.set(key, { answers, atMs: monotonicMs() })
  }

  const read = async (key: string, question: ConsentQuestion): Promise<ConsentVerdict> => {
    let running = asking.get(key)
    if (running === undefined) {
      if (asking.size >= mostAsking) throw new Error('too many questions about consent at once')
      running = register
        .answersOf(question.subject, question.applicationId, question.purpose)
        .finally(() => asking.delete(key))
      asking.set(key, running)
    }
    const answers = await running
    remember(key, answers)
    return judge(answers, question)
  }

  return {
    ask(question) {
      const key = `${question.subject} ${question.applicationId} ${question.purpose ?? ''}`
      const known = young.get(key) ?? old.get(key)
      if (known !== undefined) {
        const ageMs = monotonicMs() - known.atMs
        const verdict = judge(known.answers, question)
        const lasts = verdict.granted && isSaid(known.answers, question)
        if (ageMs < (lasts ? rememberedMs : noMs)) return verdict
      }
      return read(key, question)
    },
  }
}

/** Every scope needs a consent that lives. */
function judgeProduction(
  answers: readonly ConsentAnswer[],
  scopes: readonly string[],
): ConsentVerdict {
  const given = answers.filter(({ granted }) => granted)
  const needed = given.filter(
    (answer) => scopes.length === 0 || answer.scopes.some((scope) => scopes.includes(scope)),
  )
  const covered = new Set(needed.flatMap((answer) => answer.scopes))
  if (needed.length === 0 || !scopes.every((scope) => covered.has(scope))) return { granted: false }
  return { granted: true, consentIds: needed.map(({ id }) => id) }
}

/** The people of the sandbox consent to everything until they say no; then they have to be asked, as anybody. */
function judgeSandbox(
  answers: readonly ConsentAnswer[],
  scopes: readonly string[],
): ConsentVerdict {
  const touched = answers.filter(
    (answer) => scopes.length === 0 || answer.scopes.some((scope) => scopes.includes(scope)),
  )
  if (touched.every(({ granted }) => granted))
    return { granted: true, consentIds: touched.map(({ id }) => id) }
  return judgeProduction(touched, scopes)
}
