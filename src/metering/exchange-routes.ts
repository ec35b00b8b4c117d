import type { Kysely } from 'kysely'
import { type Static, Type } from 'typebox'
import type { Actor } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { environments } from '#platform/config'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { recordedAs } from '#platform/recorded-correlator'
import type { Sealing } from '#platform/sealing'
import {
  countExchanges,
  type ExchangeFilter,
  exchangeQuery,
  exchangesQuery,
  partnerOfApplication,
} from './exchange-store.ts'
import { type DescribeApi, detailOf, exchangeOf } from './present-exchange.ts'
import { Exchange, ExchangeDetail } from './schema.ts'
import type { MeteringTables } from './tables.ts'

const ExchangeList = listOf(Exchange)
// No identifier has a NUL, which PostgreSQL could not read.
const Reference = Type.Optional(Type.String({ maxLength: 256, pattern: '^[^\\u0000]*$' }))
const ExchangeQuery = Type.Object(
  {
    ...PageQuery.properties,
    correlator: Reference,
    traceId: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$' })),
    applicationId: Reference,
    apiId: Reference,
    partnerId: Reference,
    status: Type.Optional(Type.Integer({ minimum: 100, maximum: 999 })),
    undocumented: Type.Optional(Type.Boolean()),
    environment: Type.Optional(Exchange.properties.environment),
    from: Type.Optional(Type.String({ format: 'date-time' })),
    to: Type.Optional(Type.String({ format: 'date-time' })),
  },
  { additionalProperties: false },
)
type ExchangeQuery = Static<typeof ExchangeQuery>

/** Pages end here, and so does the count. */
const reach = 10_000
const dayMs = 86_400_000
const defaultDays = 7
const keptDays = 91
const clockToleranceMs = 10 * 60_000

export type ExchangeRoutesOptions = {
  db: Kysely<MeteringTables>
  now: () => Date
  /** whose children are the keys of the gateways */
  sealing: Sealing
  describeApi: DescribeApi
  /** `https://traces.example/{traceId}` */
  traceUrl: string | undefined
}

export function createExchangeRoutes(options: ExchangeRoutesOptions): Routes {
  const { db, now } = options
  const keys = environments.map((one) => options.sealing.child(`gateway:${one}`))
  return (server) => {
    server.get(
      '/exchanges',
      {
        config: { access: 'exchange.read' },
        schema: {
          operationId: 'listExchanges',
          summary: 'Requests through the gateways, newest first',
          description:
            'The last 7 days unless `from` says otherwise (90 days with `correlator` or `traceId`). At most 10 000 are counted and paged through: narrow the period for more. A partner sees its own. `undocumented`, for operators: the calls whose response passed although its document does not allow it. A correlator that may tell of somebody (seven digits or more, a credential) is kept as a hash, and found by what was sent.',
          tags: ['exchanges'],
          querystring: ExchangeQuery,
          response: { 200: ExchangeList },
        },
      },
      async ({ actor, query }): Promise<Static<typeof ExchangeList>> => {
        const filter = await filterOf(db, actor, query, keys, now())
        const page = { limit: query.perPage, offset: offsetOf(query) }
        if (page.offset + page.limit > reach)
          throw new AppError(
            'OUT_OF_RANGE',
            `Pages end at ${reach} exchanges: narrow the period with from and to.`,
          )
        if (filter === undefined) return paginate([], 0, query)
        const [{ rows }, total] = await Promise.all([
          exchangesQuery(filter, page).execute(db),
          countExchanges(db, filter, reach),
        ])
        return paginate(
          rows.map((row) => exchangeOf(row, actor.kind)),
          total,
          query,
        )
      },
    )

    server.get(
      '/exchanges/:exchangeId',
      {
        config: { access: 'exchange.read' },
        schema: {
          operationId: 'getExchange',
          summary: 'One request through a gateway',
          description:
            'What happened, who has to do something about it, and where its trace is. A partner sees its own, without what is inside the operator.',
          tags: ['exchanges'],
          params: Type.Object({ exchangeId: Type.String({ maxLength: 64, pattern: '^\\w*$' }) }),
          response: { 200: ExchangeDetail },
        },
      },
      async ({ actor, params }) => {
        const { rows } = await exchangeQuery(params.exchangeId).execute(db)
        const exchange = rows.find(
          (row) => actor.kind !== 'partner' || row.partner_id === actor.partnerId,
        )
        if (exchange === undefined) throw new AppError('NOT_FOUND', 'There is no such exchange.')
        return await detailOf(exchange, actor.kind, options)
      },
    )
  }
}

/** @returns undefined when the caller can see nothing of what is asked, whether or not it exists */
async function filterOf(
  db: Kysely<MeteringTables>,
  actor: Actor,
  query: ExchangeQuery,
  keys: readonly Sealing[],
  now: Date,
): Promise<ExchangeFilter | undefined> {
  const days =
    query.correlator === undefined && query.traceId === undefined ? defaultDays : keptDays
  const to =
    query.to === undefined ? new Date(now.getTime() + clockToleranceMs) : new Date(query.to)
  const from =
    query.from === undefined ? new Date(to.getTime() - days * dayMs) : new Date(query.from)
  if (Number.isNaN(from.getTime()) || Number.isNaN(to.getTime()))
    throw invalidArgument([{ path: 'from', message: 'is not a moment that exists' }])
  if (from > to) throw invalidArgument([{ path: 'to', message: 'is before `from`' }])
  if (query.undocumented !== undefined && actor.kind === 'partner')
    throw new AppError('PERMISSION_DENIED', '`undocumented` is for operators.')
  let partnerId = query.partnerId
  if (actor.kind === 'partner') {
    if (partnerId !== undefined && partnerId !== actor.partnerId) return undefined
    partnerId = actor.partnerId
  } else if (partnerId === undefined && query.applicationId !== undefined) {
    partnerId = await partnerOfApplication(db, query.applicationId)
    if (partnerId === undefined) return undefined
  }
  return {
    from,
    to,
    partnerId,
    environment: query.environment,
    correlators: query.correlator === undefined ? undefined : recordedAs(query.correlator, keys),
    traceId: query.traceId,
    applicationId: query.applicationId,
    apiId: query.apiId,
    status: query.status,
    undocumented: query.undocumented,
  }
}
