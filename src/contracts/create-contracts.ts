import type { Environment } from '#platform/config'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { Subscriber } from '#platform/outbox'
import { createAgreementRoutes } from './agreement-routes.ts'
import { createContractRoutes } from './contract-routes.ts'
import { followCatalog } from './follow-catalog.ts'
import { listPlans } from './list-plans.ts'
import type { Contracting, ContractNeeds } from './needs.ts'
import { createPlanRoutes } from './plan-routes.ts'
import { findPrice } from './price-store.ts'
import { type ProductionRequirement, productionRequirements } from './production-requirements.ts'
import { publishAgreement } from './publish-agreement.ts'
import { createSubscriber } from './react.ts'
import type { Plan } from './schema.ts'
import {
  type ContractSnapshot,
  contractEntry,
  type PlanSnapshot,
  planEntry,
  type SubscriptionSnapshot,
  subscriptionEntry,
} from './snapshot-entries.ts'
import { contractIds, scopesOf, subscriptionIds } from './store.ts'
import { createSubscriptionRoutes } from './subscription-routes.ts'
import type { ContractTables } from './tables.ts'
import { createTermRoutes } from './term-routes.ts'

/** A price version: never changed once it exists. Amounts are decimal strings per billable unit. @public */
export type Price = {
  priceId: string
  planId: string
  /** `sim-swap/v2` or `*` */
  apiId: string
  unit: string
  /** what the paid plan asks for the same */
  list: string
  currency: string
}

/** @public */
export interface Contracts {
  routes: Routes
  subscribers: readonly Subscriber[]
  /** Once at the start of control: terms, prices and published scopes are what code, configuration and catalog say. */
  prepare(): Promise<void>
  /** The scopes that a token of this application may carry now, sorted. */
  scopesOf(applicationId: string): Promise<string[]>
  /** What the partner still has to do for production. */
  requirementsOf(partnerId: string): Promise<ProductionRequirement[]>
  plans(): Promise<Plan[]>
  price(priceId: string): Promise<Price | undefined>
  /** For the snapshot: undefined when it is gone. */
  contractEntry(id: string): Promise<ContractSnapshot | undefined>
  planEntry(id: string): Promise<PlanSnapshot | undefined>
  planIds(): Promise<string[]>
  subscriptionEntry(id: string): Promise<SubscriptionSnapshot | undefined>
  /** Up to 1 000 living ones after this id, for a snapshot that is built anew; begin with ''. */
  contractIds(environment: Environment, after: string): Promise<string[]>
  subscriptionIds(environment: Environment, after: string): Promise<string[]>
}

/** @example const contracts = createContracts(platform, { catalog, partners, identity }) @public */
export function createContracts(
  platform: Pick<Platform, 'database' | 'outbox' | 'newId' | 'clock' | 'log' | 'config'>,
  needs: ContractNeeds,
): Contracts {
  const db = platform.database.as<ContractTables>()
  const contracting: Contracting = {
    db,
    outbox: platform.outbox,
    newId: platform.newId,
    clock: platform.clock,
    log: platform.log,
    currency: platform.config.currency,
    ...needs,
  }
  const prices = new Map<string, Price>()

  return {
    async routes(server) {
      for (const routes of [
        createPlanRoutes,
        createAgreementRoutes,
        createContractRoutes,
        createSubscriptionRoutes,
        createTermRoutes,
      ])
        await routes(contracting)(server)
    },
    subscribers: [createSubscriber(contracting)],
    async prepare() {
      await db.transaction().execute(async (trx) => {
        await publishAgreement(contracting, trx)
        await followCatalog(contracting, trx)
      })
    },
    scopesOf: (applicationId) => scopesOf(db, applicationId),
    requirementsOf: (partnerId) => productionRequirements(contracting, partnerId),
    plans: () => listPlans(db),
    async price(priceId) {
      const known = prices.get(priceId)
      if (known !== undefined) return known
      const row = await findPrice(db, priceId)
      if (row === undefined) return undefined
      const price: Price = {
        priceId: row.id,
        planId: row.plan_id,
        apiId: row.api_id,
        unit: row.unit,
        list: row.list,
        currency: row.currency,
      }
      prices.set(priceId, price)
      return price
    },
    contractEntry: (id) => contractEntry(db, id),
    planEntry: (id) => planEntry(db, id),
    planIds: async () => (await listPlans(db)).map((plan) => plan.id),
    subscriptionEntry: (id) => subscriptionEntry(db, id),
    contractIds: (environment, after) => contractIds(db, environment, after),
    subscriptionIds: (environment, after) => subscriptionIds(db, environment, after),
  }
}
