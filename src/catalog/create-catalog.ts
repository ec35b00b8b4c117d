import type { Actor } from '#audit'
import type { Environment } from '#platform/config'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { Subscriber } from '#platform/outbox'
import { type CatalogNeeds, createAnnouncer } from './announce-retirement.ts'
import type { ApiFiles, CheckResult } from './check-api.ts'
import { type Checker, createChecker } from './checker.ts'
import type { ApiEntry } from './entry.ts'
import { createLegalBases, type LegalBases } from './legal-basis.ts'
import { loadPack, type PackResult, recompileOutdated } from './load-pack.ts'
import { type MaskFault, type MaskOfApi, maskFaults } from './mask-faults.ts'
import { operatorRoutes } from './operator-routes.ts'
import { toEntry, toSummary, toVersion } from './present.ts'
import { publicRoutes } from './public-routes.ts'
import { type PublishResult, publishApi, publishTogether } from './publish-api.ts'
import { retireDue } from './retire-due.ts'
import type { ApiSummary, ApiVersion, Lifecycle } from './schema.ts'
import { findApi, listApis, listServed } from './store.ts'
import { listDependents, listThings } from './store-things.ts'
import type { CatalogTables } from './tables.ts'
import { apisNamedBy } from './things-of-apis.ts'

/** What contracts need to know of an API that partners may subscribe to. @public */
export type PublishedApiTerms = {
  apiId: string
  scopes: string[]
  /** decimal strings in the operator's currency, by plan; a plan that is absent has its own default */
  prices: Record<string, string>
  plans: string[]
}

/** The catalog: API versions, from the operator's files to what gateways and readers need. @public */
export interface Catalog extends LegalBases {
  readonly routes: Routes
  /** Mails partners that use a version of whose end something was announced. */
  readonly subscribers: readonly Subscriber[]
  /** Finds every fault of the two files; pure, in a thread of its own, within ten seconds. */
  check(files: ApiFiles, now?: Date): Promise<CheckResult>
  /** All or nothing. @see publish-api.ts */
  publish(files: ApiFiles, actor: Actor): Promise<PublishResult>
  /** Several versions, all or none. @see publish-api.ts */
  publishTogether(all: readonly ApiFiles[], actor: Actor): Promise<PublishResult[]>
  /** What a gateway of this environment serves; undefined for a draft and for what is not there. */
  apiEntry(apiId: string, environment: Environment): Promise<ApiEntry | undefined>
  /** The versions whose entries may be others when this one is: they name things that it makes, or are of the same API. */
  dependents(apiId: string): Promise<string[]>
  /** published and deprecated ones */
  publishedApis(): Promise<PublishedApiTerms[]>
  /** For each mask of a contract, what is wrong with it; undefined where nothing is. */
  maskFaults(masks: readonly MaskOfApi[]): Promise<(MaskFault | undefined)[]>
  get(apiId: string): Promise<ApiVersion | undefined>
  /** by name and version; published and deprecated ones unless told otherwise */
  list(lifecycles?: readonly Lifecycle[]): Promise<ApiSummary[]>
  /** Publishes what is new in the operator pack, and compiles again what an older version compiled. */
  loadPack(folder: string): Promise<PackResult[]>
  /** Every some seconds: versions whose dates have come are deprecated or retired. */
  retireDue(): Promise<string[]>
  /** Ends the checking thread. */
  close(): Promise<void>
}

/** @public */
export function createCatalog(
  platform: Platform,
  needs?: CatalogNeeds,
  checker: Checker = createChecker(),
): Catalog {
  const db = platform.database.as<CatalogTables>()
  const shared = publicRoutes(platform)
  const own = operatorRoutes(platform, checker)
  return {
    ...createLegalBases(platform),
    routes: async (server) => {
      await shared(server)
      await own(server)
    },
    subscribers: needs === undefined ? [] : [createAnnouncer(platform, needs)],
    check: (files, now) => checker.check(files, now),
    publish: (files, actor) => publishApi(platform, checker, files, actor),
    publishTogether: (all, actor) => publishTogether(platform, checker, all, actor),
    async apiEntry(apiId, environment) {
      const row = await findApi(db, apiId)
      if (row === undefined) return undefined
      const { name, compiled } = row
      const apis = await listThings(db, apisNamedBy(name, compiled.operations))
      return toEntry(row, environment, apis)
    },
    dependents: (apiId) => listDependents(db, apiId),
    async publishedApis() {
      const rows = await listServed(db)
      return rows.map(({ id, compiled }) => ({
        apiId: id,
        scopes: compiled.scopes,
        prices: compiled.prices,
        plans: compiled.plans,
      }))
    },
    maskFaults: (masks) => maskFaults(db, masks),
    async get(apiId) {
      const row = await findApi(db, apiId)
      return row && row.lifecycle !== 'draft' ? toVersion(row, false) : undefined
    },
    async list(lifecycles = ['published', 'deprecated']) {
      const everything = { limit: 10_000, offset: 0 }
      const { rows } = await listApis(db, { lifecycles }, everything)
      return rows.map(toSummary)
    },
    async loadPack(folder) {
      await recompileOutdated(platform, checker)
      return await loadPack(platform, checker, folder)
    },
    retireDue: () => retireDue(platform),
    close: () => checker.close(),
  }
}
