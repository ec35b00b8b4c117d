import { type Static, Type } from 'typebox'
import { markOfSubject, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import type { HttpServer, Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import type { Platform } from '#platform/module'
import { withdraw } from './end-consent.ts'
import { exportRecord } from './export-record.ts'
import type { Consenting } from './needs.ts'
import { Consent, ConsentCount, ConsentRecordExport, ConsentSearch, Withdrawal } from './schema.ts'
import { countConsents, findConsent, searchConsents } from './search-store.ts'
import { subjectOf } from './subject.ts'
import type { ConsentRow } from './tables.ts'

const tags = ['Consents']
const ConsentList = listOf(Consent)
const ConsentCountList = listOf(ConsentCount)
const Page = Type.Object(PageQuery.properties, { additionalProperties: false })
const Params = Type.Object({ consentId: Type.String({ maxLength: 64, pattern: '^[\\w-]+$' }) })

type Given = { consenting: Consenting; platform: Platform }

export function consentRoutes(given: Given): Routes {
  return (server) => {
    searchRoute(server, given)
    recordRoute(server, given)
    withdrawalRoute(server, given)
    countRoute(server, given)
    applicationCountRoute(server, given)
  }
}

function searchRoute(server: HttpServer, { consenting, platform }: Given): void {
  server.post(
    '/consents/search',
    {
      config: { access: 'consent.read' },
      schema: {
        operationId: 'searchConsents',
        summary: 'Consents and objections, by partner, application, purpose, state or number',
        description: 'A number is hashed and forgotten; who searched for one is kept as evidence.',
        tags,
        querystring: Page,
        body: ConsentSearch,
        response: { 200: ConsentList },
      },
    },
    async ({ actor, body, query }): Promise<Static<typeof ConsentList>> => {
      const { phoneNumber, environment } = body
      const subject = phoneNumber && subjectOf(platform.sealing, environment, phoneNumber)
      if (subject !== undefined) {
        const target = await markOfSubject(platform, { environment, pseudonym: subject })
        await consenting.db.transaction().execute((trx) =>
          recordAction(platform.outbox, trx, {
            actor,
            action: 'consent.subscriber-searched',
            target,
            detail: { environment },
          }),
        )
      }
      const { rows, total } = await searchConsents(
        consenting.db,
        { ...body, subject },
        { limit: query.perPage, offset: offsetOf(query) },
      )
      return paginate(rows.map(present), total, query)
    },
  )
}

function recordRoute(server: HttpServer, { consenting, platform }: Given): void {
  server.get(
    '/consents/:consentId',
    {
      config: { access: 'consent.read' },
      schema: {
        operationId: 'getConsentRecord',
        summary: 'The record of one consent: words that were shown, and everything that happened',
        tags,
        params: Params,
        response: { 200: ConsentRecordExport },
      },
    },
    async ({ params }): Promise<ConsentRecordExport> => {
      const row = await findConsent(consenting.db, params.consentId)
      if (row === undefined) throw unknown()
      const { operatorName, consent } = platform.config
      const { jurisdiction } = consent
      return await exportRecord(consenting.db, { operatorName, jurisdiction }, row)
    },
  )
}

function withdrawalRoute(server: HttpServer, { consenting, platform }: Given): void {
  server.post(
    '/consents/:consentId/withdrawal',
    {
      config: { access: 'consent.withdraw' },
      schema: {
        operationId: 'withdrawConsent',
        summary: 'Withdraw a consent, or lift an objection, at the wish of its subscriber',
        tags,
        params: Params,
        body: Withdrawal,
        response: { 200: Consent },
      },
    },
    async ({ actor, params, body }): Promise<Consent> => {
      const row = await findConsent(consenting.db, params.consentId)
      if (row === undefined || actor.kind !== 'operator') throw unknown()
      const { id } = actor
      const by = { kind: 'operator', id, channel: 'console', reason: body.reason } as const
      await withdraw(consenting, row.environment, row.id, by, (trx) =>
        recordAction(platform.outbox, trx, {
          actor,
          action: 'consent.withdrawn',
          target: row.id,
          partnerId: row.partner_id,
          detail: { environment: row.environment },
        }),
      )
      await platform.outbox.settledAbout(row.id, 700)
      const now = await findConsent(consenting.db, row.id)
      if (now === undefined) throw unknown()
      return present(now)
    },
  )
}

function countRoute(server: HttpServer, { consenting }: Given): void {
  server.get(
    '/consent-counts',
    {
      config: { access: 'consent-count.read' },
      schema: {
        operationId: 'listConsentCounts',
        summary: 'How many subscribers said what, by application, purpose and state',
        tags,
        querystring: Page,
        response: { 200: ConsentCountList },
      },
    },
    async ({ actor, query }): Promise<Static<typeof ConsentCountList>> => {
      const counts =
        actor.kind === 'partner'
          ? await countConsents(consenting.db, { partnerId: actor.partnerId })
          : []
      const from = offsetOf(query)
      return paginate(counts.slice(from, from + query.perPage), counts.length, query)
    },
  )
}

function applicationCountRoute(server: HttpServer, { consenting }: Given): void {
  server.get(
    '/consent-counts/:applicationId',
    {
      config: { access: 'consent.read' },
      schema: {
        operationId: 'listConsentCountsOfApplication',
        summary: 'How many subscribers said what to one application, by purpose and state',
        tags,
        params: Type.Object({ applicationId: Type.String({ maxLength: 64 }) }),
        querystring: Page,
        response: { 200: ConsentCountList },
      },
    },
    async ({ params, query }): Promise<Static<typeof ConsentCountList>> => {
      const counts = await countConsents(consenting.db, params)
      const from = offsetOf(query)
      return paginate(counts.slice(from, from + query.perPage), counts.length, query)
    },
  )
}

const unknown = (): AppError => new AppError('NOT_FOUND', 'There is no such consent.')

const present = (row: ConsentRow): Consent => ({
  id: row.id,
  environment: row.environment,
  subject: row.subject,
  application: { id: row.application_id, name: row.application_name },
  partner: { id: row.partner_id, name: row.partner_name },
  purpose: row.purpose,
  scopes: row.scopes,
  basis: row.basis,
  state: row.state,
  createdAt: row.created_at.toISOString(),
  changedAt: row.changed_at.toISOString(),
  ...(row.granted_at && { grantedAt: row.granted_at.toISOString() }),
  ...(row.expires_at && { expiresAt: row.expires_at.toISOString() }),
  ...(row.last_used_at && { lastUsedAt: row.last_used_at.toISOString() }),
  ...(row.text_hash && { textHash: row.text_hash }),
  ...(row.locale && { locale: row.locale }),
})
