import { readFileSync } from 'node:fs'
import type { FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import { AppError } from '#platform/app-error'
import type { Environment } from '#platform/config'
import type { HttpServer, Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { EvidenceName } from './dossier.ts'
import { presentEvidence, readCursor, searchFilter, writeCursor } from './evidence-search.ts'
import type { EvidenceState } from './evidence-state.ts'
import type { ExportedBundle } from './export-bundle.ts'
import { recordAction } from './record-action.ts'
import { EvidencePage, EvidenceSearch, EvidenceStatus, EvidenceStory } from './schema.ts'
import { mostParties, searchEvidence } from './search-evidence.ts'
import type { Story } from './story.ts'
import { markOfSubject } from './subject-mark.ts'
import type { AuditTables } from './tables.ts'

const tags = ['Evidence']
const ExchangeParams = Type.Object({
  exchangeId: Type.String({ maxLength: 64, pattern: '^\\w*$' }),
})
const LeafParams = Type.Object({
  position: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
})
const Spelling = Type.Object(
  { as: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('page')])) },
  { additionalProperties: false },
)

export type EvidenceRoutesOptions = {
  platform: Pick<Platform, 'database' | 'outbox' | 'clock' | 'sealing'>
  audit: {
    state(): Promise<EvidenceState>
    why(name: EvidenceName): Promise<{ story: Story } | undefined>
    exportBundle(name: EvidenceName): Promise<ExportedBundle | undefined>
  }
  /** what a number is known by in an environment */
  pseudonymOf: (environment: Environment, phoneNumber: string) => string
}

/** The evidence, for the operator's auditors: how it stands, what there is, why, and the proof. */
export function createEvidenceRoutes(options: EvidenceRoutesOptions): Routes {
  return (server) => {
    statusRoute(server, options)
    searchRoute(server, options)
    verifierRoute(server)
    exchangeRoutes(server, options)
    leafRoutes(server, options)
  }
}

function statusRoute(server: HttpServer, { audit }: EvidenceRoutesOptions): void {
  server.get(
    '/evidence',
    {
      config: { access: 'evidence.read' },
      schema: {
        operationId: 'getEvidenceStatus',
        summary: 'How the log of evidence stands: its newest signed checkpoint, and who has it',
        tags,
        response: { 200: EvidenceStatus },
      },
    },
    async (): Promise<EvidenceStatus> => {
      const { leaves, newest, contradiction, sinks } = await audit.state()
      return {
        leaves,
        ...(newest !== undefined && {
          newest: {
            ...{ size: newest.size, root: newest.root, note: newest.note, key: newest.key },
            signedAt: newest.madeAt.toISOString(),
          },
        }),
        ...(contradiction !== undefined && { contradiction }),
        sinks: sinks.map(({ name, exported, owed, owedSince, fault }) => ({
          ...{ name, exported, owed },
          ...(owedSince !== undefined && { owedSince: owedSince.toISOString() }),
          ...(fault !== undefined && { fault }),
        })),
      }
    },
  )
}

function searchRoute(server: HttpServer, { platform, pseudonymOf }: EvidenceRoutesOptions): void {
  const db = platform.database.as<AuditTables>()
  server.post(
    '/evidence/search',
    {
      config: { access: 'evidence.read' },
      schema: {
        operationId: 'searchEvidence',
        summary: 'Calls about people, what became of consents, and actions, newest first',
        description:
          'By partner, application, API, purpose, legal basis, time, or the number of a subscriber. A number is hashed and forgotten; that somebody searched for one is itself kept as evidence. Actions name no subscriber and no environment.',
        tags,
        body: EvidenceSearch,
        response: { 200: EvidencePage },
      },
    },
    async ({ actor, body }): Promise<Static<typeof EvidencePage>> => {
      const before = body.cursor === undefined ? undefined : readCursor(body.cursor)
      const filter = searchFilter(body, platform.clock.now(), pseudonymOf)
      const { subject, environment } = filter
      if (subject !== undefined && environment !== undefined) {
        const target = await markOfSubject(platform, { environment, pseudonym: subject })
        await db.transaction().execute((trx) =>
          recordAction(platform.outbox, trx, {
            ...{ actor, action: 'evidence.subscriber-searched', target },
            detail: { environment },
          }),
        )
      }
      const limit = body.limit ?? 50
      const found = await searchEvidence(db, filter, { before, limit: limit + 1 })
      if (found === 'too-wide')
        throw new AppError(
          'OUT_OF_RANGE',
          `More than ${mostParties} combinations of application, API and purpose are like this: name a partner or an application.`,
        )
      const shown = found.slice(0, limit)
      const last = found.length > limit ? shown.at(-1) : undefined
      return {
        items: shown.map(presentEvidence),
        ...(last !== undefined && { next: writeCursor(last) }),
      }
    },
  )
}

const verifier = new URL('./verify.mjs', import.meta.url)

function verifierRoute(server: HttpServer): void {
  server.get(
    '/evidence/verify.mjs',
    {
      config: { access: 'evidence.read' },
      schema: {
        operationId: 'getEvidenceVerifier',
        summary: 'The program that verifies exported evidence offline, for Node 20 and later',
        tags,
        querystring: Type.Object({}, { additionalProperties: false }),
        produces: ['text/javascript'],
      },
    },
    (_request, reply) =>
      download(reply, 'text/javascript; charset=utf-8', 'verify.mjs', readFileSync(verifier)),
  )
}

function exchangeRoutes(server: HttpServer, options: EvidenceRoutesOptions): void {
  server.get(
    '/evidence/exchanges/:exchangeId',
    {
      config: { access: 'evidence.read' },
      schema: {
        operationId: 'explainExchange',
        summary: 'Why somebody got something of a subscriber',
        tags,
        params: ExchangeParams,
        response: { 200: EvidenceStory },
      },
    },
    ({ params }) => tell(options, { exchange: params.exchangeId }),
  )
  server.get(
    '/evidence/exchanges/:exchangeId/bundle',
    {
      config: { access: 'evidence.read' },
      schema: {
        operationId: 'exportExchangeEvidence',
        summary: 'One file that answers why, and proves it offline',
        description:
          'JSON, or a page to read; both verify with `verify.mjs`. What is new is signed first, and that it was exported is kept as evidence.',
        tags,
        params: ExchangeParams,
        querystring: Spelling,
        produces: ['application/json', 'text/html'],
      },
    },
    ({ actor, params, query }, reply) =>
      send(options, reply, actor, { exchange: params.exchangeId }, query.as),
  )
}

function leafRoutes(server: HttpServer, options: EvidenceRoutesOptions): void {
  server.get(
    '/evidence/leaves/:position',
    {
      config: { access: 'evidence.read' },
      schema: {
        operationId: 'explainLeaf',
        summary: 'What one leaf of the log is about',
        tags,
        params: LeafParams,
        response: { 200: EvidenceStory },
      },
    },
    ({ params }) => tell(options, { position: params.position }),
  )
  server.get(
    '/evidence/leaves/:position/bundle',
    {
      config: { access: 'evidence.read' },
      schema: {
        operationId: 'exportLeafEvidence',
        summary: 'One file that proves one leaf of the log offline',
        tags,
        params: LeafParams,
        querystring: Spelling,
        produces: ['application/json', 'text/html'],
      },
    },
    ({ actor, params, query }, reply) =>
      send(options, reply, actor, { position: params.position }, query.as),
  )
}

const nothing = (): AppError =>
  new AppError(
    'NOT_FOUND',
    'There is no evidence of it: it never was, was about nobody, happened a moment ago, or has gone by its age.',
  )

async function tell({ audit }: EvidenceRoutesOptions, name: EvidenceName): Promise<EvidenceStory> {
  const told = await audit.why(name)
  if (told === undefined) throw nothing()
  const { title, sentence, sections } = told.story
  return {
    ...{ title, sentence },
    sections: sections.map(({ quote, facts, ...section }) => ({
      ...section,
      facts: [...facts],
      ...(quote !== undefined && { quote }),
    })),
  }
}

async function send(
  { audit, platform }: EvidenceRoutesOptions,
  reply: FastifyReply,
  actor: Parameters<typeof recordAction>[2]['actor'],
  name: EvidenceName,
  as: 'json' | 'page' = 'json',
): Promise<FastifyReply> {
  const bundle = await audit.exportBundle(name)
  if (bundle === undefined) throw nothing()
  const target =
    'exchange' in name ? name.exchange : `leaf-${'position' in name ? name.position : name.id}`
  await platform.database
    .as<AuditTables>()
    .transaction()
    .execute((trx) =>
      recordAction(platform.outbox, trx, {
        actor,
        action: 'evidence.exported',
        target,
        detail: {},
      }),
    )
  return as === 'page'
    ? download(reply, 'text/html; charset=utf-8', `evidence-${target}.html`, bundle.page)
    : download(reply, 'application/json; charset=utf-8', `evidence-${target}.json`, bundle.json)
}

/** To be kept, not shown: nothing in it runs here. */
const download = (
  reply: FastifyReply,
  type: string,
  name: string,
  body: string | Buffer,
): FastifyReply =>
  reply
    .header('content-type', type)
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .send(body)
