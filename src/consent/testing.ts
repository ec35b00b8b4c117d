import { sql } from 'kysely'
import { manualClock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { testPlatform } from '#platform/testing'
import { consentingOf, createConsentDirectory } from './create-directory.ts'
import type { CaptureRequest, ConsentDirectory, ConsentQuestion } from './face.ts'
import type { ConsentNeeds, LegalBasis } from './needs.ts'
import { subjectOf } from './subject.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/** What the modules around this one would answer; a test changes it as it goes. @public */
export type ConsentWorld = {
  /** by scope */
  bases: Map<string, { basis: LegalBasis; expiresAfterDays?: number }>
  applications: Map<
    string,
    { id: string; name: string; partnerId: string; partnerName: string; environment: Environment }
  >
}

/** @public */
export async function testConsent(t: TestContext) {
  const clock = manualClock('2026-03-01T12:00:00Z')
  const platform = await testPlatform(t, { clock })
  const world: ConsentWorld = {
    bases: new Map([
      ['location-verification:verify', { basis: 'consent', expiresAfterDays: 30 }],
      ['location-retrieval:read', { basis: 'consent' }],
      ['sim-swap:check', { basis: 'legitimate-interest' }],
      ['one-time-password-sms:send-validate', { basis: 'contract' }],
      ['kyc-match:match', { basis: 'not-allowed' }],
    ]),
    applications: new Map(
      (['production', 'sandbox'] as const).map((environment) => [
        `app_${environment}`,
        {
          id: `app_${environment}`,
          name: 'Taxi',
          partnerId: 'prt_1',
          partnerName: 'Rides Ltd',
          environment,
        },
      ]),
    ),
  }
  const needs: ConsentNeeds = {
    catalog: {
      legalBasisOf: async (_environment, scope) => {
        const found = world.bases.get(scope)
        return found && { apiId: `${scope.split(':')[0]}/v1`, ...found }
      },
    },
    partners: { getApplication: async (id) => world.applications.get(id) },
  }
  const directory = createConsentDirectory(platform, needs)
  const subject = subjectOf(platform.sealing, 'production', '+99012345678')
  const question: ConsentQuestion = {
    environment: 'production',
    subject,
    applicationId: 'app_production',
    purpose: 'dpv:FraudPreventionAndDetection',
    scopes: ['location-verification:verify'],
  }
  const request = (changes: Partial<CaptureRequest> = {}): CaptureRequest => ({
    ...question,
    channel: 'authorization',
    locales: [],
    reference: 'ref',
    expiresAt: new Date(clock.now().getTime() + 10 * 60_000),
    ...changes,
  })
  return {
    platform,
    clock,
    world,
    needs,
    directory,
    consenting: consentingOf(platform, needs),
    question,
    request,
    answer: answerer(directory),
    history: (id: string) => historyOf(platform, id),
  }
}

/** Walks one question from its beginning to its answer. */
const answerer =
  (directory: ConsentDirectory) => async (request: CaptureRequest, answer: 'allow' | 'refuse') => {
    const { token } = await directory.beginCapture(request)
    const view = await directory.openCapture(token)
    if (view === undefined) throw new Error('the question is not open')
    const { textHash, notice } = view
    const evidence = { method: 'network', textHash, locale: notice.locale }
    return await directory.answerCapture(token, answer, evidence)
  }

async function historyOf(platform: Platform, id: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select coalesce(from_state, 'none') || ' ' || to_state || ' ' || by_kind as line
    from consent.change where consent_id = ${id} order by position`.execute(
    platform.database.as<unknown>(),
  )
  return rows.map(({ line }) => line)
}
