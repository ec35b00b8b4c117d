import type { Platform } from '#platform/module'
import { answerCapture } from './answer-capture.ts'
import { beginCapture } from './begin-capture.ts'
import { decide } from './decide.ts'
import { objectTo, withdraw } from './end-consent.ts'
import type { ConsentDirectory } from './face.ts'
import type { Consenting, ConsentNeeds } from './needs.ts'
import { findCapture, findMissed, noteReached, openCapture } from './open-capture.ts'
import { recordsOfSubject, toRecord } from './store.ts'
import type { ConsentTables } from './tables.ts'

type Given = Pick<Platform, 'database' | 'outbox' | 'newId' | 'clock' | 'log'>

export const consentingOf = (platform: Given, needs: ConsentNeeds): Consenting => ({
  db: platform.database.as<ConsentTables>(),
  outbox: platform.outbox,
  newId: platform.newId,
  clock: platform.clock,
  log: platform.log,
  ...needs,
})

/**
 * For each process that asks, or lets subscribers answer.
 * @example createConsentDirectory(platform, { catalog: createLegalBases(platform), partners: createPartnerDirectory(platform) })
 * @public
 */
export function createConsentDirectory(platform: Given, needs: ConsentNeeds): ConsentDirectory {
  const consenting = consentingOf(platform, needs)
  return {
    decide: (question) => decide(consenting, question),
    beginCapture: (request) => beginCapture(consenting, request),
    findCapture: (token) => findCapture(consenting, token),
    findMissed: (token) => findMissed(consenting, token),
    noteReached: (token, how) => noteReached(consenting, token, how),
    openCapture: (token, locales) => openCapture(consenting, token, locales),
    answerCapture: (token, answer, evidence) => answerCapture(consenting, token, answer, evidence),
    withdraw: (environment, id, by) => withdraw(consenting, environment, id, by),
    object: (question, by) => objectTo(consenting, question, by),
    async listOf(environment, subject) {
      return (await recordsOfSubject(consenting.db, environment, subject)).map(toRecord)
    },
  }
}
