import { type Static, Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { listPlans } from './list-plans.ts'
import type { Contracting } from './needs.ts'
import { Plan } from './schema.ts'

const PlanList = listOf(Plan)

export function createPlanRoutes({ db }: Contracting): Routes {
  return (server) => {
    server.get(
      '/plans',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'listPlans',
          summary: 'Plans with their limits, service levels and the prices in force',
          tags: ['plans'],
          querystring: Type.Object(PageQuery.properties, { additionalProperties: false }),
          response: { 200: PlanList },
        },
      },
      async ({ query }): Promise<Static<typeof PlanList>> => {
        const plans = await listPlans(db)
        const from = offsetOf(query)
        return paginate(plans.slice(from, from + query.perPage), plans.length, query)
      },
    )
  }
}
