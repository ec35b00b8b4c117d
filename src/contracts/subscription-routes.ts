import { type Static, Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { maySee } from './authority.ts'
import type { Contracting } from './needs.ts'
import { listPublished } from './price-store.ts'
import { NewSubscription, Reference, Subscription } from './schema.ts'
import { findSubscription, listSubscriptions } from './store.ts'
import { noSuchSubscription, subscribe, unsubscribe } from './subscribe.ts'
import type { SubscriptionRow } from './tables.ts'

const SubscriptionList = listOf(Subscription)
const SubscriptionId = Type.Object({ subscriptionId: Reference })
const SubscriptionQuery = Type.Object(
  {
    ...PageQuery.properties,
    partnerId: Type.Optional(Reference),
    applicationId: Type.Optional(Reference),
    contractId: Type.Optional(Reference),
    environment: Type.Optional(Subscription.properties.environment),
  },
  { additionalProperties: false },
)
const tags = ['subscriptions']

export function createSubscriptionRoutes(contracting: Contracting): Routes {
  const { db } = contracting
  const wire = async (rows: readonly SubscriptionRow[]): Promise<Subscription[]> => {
    const published = await listPublished(db)
    return rows.flatMap((row) => {
      if (row.state === 'ended') return []
      const apis = published.filter((api) => row.api_id === '*' || api.api_id === row.api_id)
      return [
        {
          id: row.id,
          applicationId: row.application_id,
          contractId: row.contract_id,
          partnerId: row.partner_id,
          environment: row.environment,
          apiId: row.api_id,
          scopes: [...new Set(apis.flatMap((api) => api.scopes))].sort(),
          state: row.state,
          createdAt: row.created_at.toISOString(),
        },
      ]
    })
  }
  const wireOne = async (row: SubscriptionRow): Promise<Subscription> => {
    const [subscription] = await wire([row])
    if (subscription === undefined) throw noSuchSubscription()
    return subscription
  }

  return (server) => {
    server.get(
      '/subscriptions',
      {
        config: { access: 'subscription.read' },
        schema: {
          operationId: 'listSubscriptions',
          summary: 'Which application may call which API, newest first',
          tags,
          querystring: SubscriptionQuery,
          response: { 200: SubscriptionList },
        },
      },
      async ({ actor, query }): Promise<Static<typeof SubscriptionList>> => {
        const asked = query.partnerId ?? (actor.kind === 'partner' ? actor.partnerId : undefined)
        if (asked !== undefined && !maySee(actor, asked)) return paginate([], 0, query)
        const { rows, total } = await listSubscriptions(db, {
          partnerId: asked,
          applicationId: query.applicationId,
          contractId: query.contractId,
          environment: query.environment,
          limit: query.perPage,
          offset: offsetOf(query),
        })
        return paginate(await wire(rows), total, query)
      },
    )

    server.get(
      '/subscriptions/:subscriptionId',
      {
        config: { access: 'subscription.read' },
        schema: {
          operationId: 'getSubscription',
          summary: 'One subscription',
          tags,
          params: SubscriptionId,
          response: { 200: Subscription },
        },
      },
      async ({ actor, params }) => {
        const row = await findSubscription(db, params.subscriptionId)
        if (row === undefined || !maySee(actor, row.partner_id)) throw noSuchSubscription()
        return await wireOne(row)
      },
    )

    server.post(
      '/subscriptions',
      {
        config: { access: 'subscription.change' },
        schema: {
          operationId: 'subscribe',
          summary: 'Let a production application call an API under your contract',
          tags,
          body: NewSubscription,
          response: { 201: Subscription },
        },
      },
      async (request, reply) => {
        const row = await subscribe(contracting, request.actor, request.body)
        return reply
          .code(201)
          .header('location', `${request.routeOptions.url}/${row.id}`)
          .send(await wireOne(row))
      },
    )

    server.delete(
      '/subscriptions/:subscriptionId',
      {
        config: { access: 'subscription.change' },
        schema: {
          operationId: 'unsubscribe',
          summary: 'End a production subscription',
          tags,
          params: SubscriptionId,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await unsubscribe(contracting, request.actor, request.params.subscriptionId)
        return reply.code(204).send(null)
      },
    )
  }
}
