import { createHash } from 'node:crypto'
import type { PortalNeeds } from './portal-needs.ts'
import type { ApiHead, ApiListing, ApiPage, PlanPrice } from './schema.ts'

/** What the pages know of the catalog at one moment; `revision` changes with anything that a page could show. */
export type CatalogView = {
  revision: string
  apis: readonly ApiPage[]
  /** versions that no longer answer: their pages say where to go */
  retired: readonly ApiHead[]
  listings: readonly ApiListing[]
  prices: (api: Pick<ApiHead, 'id' | 'plans'>) => PlanPrice[]
}

const freshMs = 1_000

/** The published catalog with its prices, read again when it is more than a second old. */
export function createApiDirectory(
  needs: Pick<PortalNeeds, 'catalog' | 'contracts'>,
): () => Promise<CatalogView> {
  const known = new Map<string, { stamp: string; api: ApiPage }>()
  let current: { at: number; view: Promise<CatalogView> } | undefined

  const read = async (): Promise<CatalogView> => {
    const [heads, plans] = await Promise.all([
      needs.catalog.list(['published', 'deprecated', 'retired']),
      needs.contracts.plans(),
    ])
    const visible = heads.filter((h) => h.lifecycle === 'published' || h.lifecycle === 'deprecated')
    const retired = heads.filter((head) => head.lifecycle === 'retired')
    const apis = await Promise.all(visible.map((head) => open(head)))
    const present = apis.filter((api) => api !== undefined)
    for (const id of known.keys()) if (!present.some((api) => api.id === id)) known.delete(id)
    const prices = (api: Pick<ApiHead, 'id' | 'plans'>): PlanPrice[] =>
      plans
        .filter((plan) => api.plans.length === 0 || api.plans.includes(plan.name))
        .flatMap((plan) => {
          const own = plan.prices.find((p) => p.apiId === api.id)
          const price = own ?? plan.prices.find((p) => p.apiId === '*')
          return price === undefined ? [] : [{ plan: plan.name, amount: price.unit }]
        })
    return {
      revision: fingerprint([present.map(stampOf), retired.map(stampOf), plans]),
      apis: present,
      retired,
      listings: present.map((api) => listing(api, prices(api))),
      prices,
    }
  }

  const open = async (head: ApiHead): Promise<ApiPage | undefined> => {
    const stamp = stampOf(head)
    const before = known.get(head.id)
    if (before?.stamp === stamp) return before.api
    const api = await needs.catalog.get(head.id)
    if (api === undefined) return undefined
    known.set(head.id, { stamp, api })
    return api
  }

  return () => {
    const now = performance.now()
    if (current !== undefined && now - current.at < freshMs) return current.view
    const view = read()
    const mine = { at: now, view }
    current = mine
    // A failure is told to those who wait and is not kept.
    view.catch(() => {
      if (current === mine) current = undefined
    })
    return view
  }
}

const stampOf = (head: ApiHead): string => fingerprint([headOnly(head)])

const headOnly = (head: ApiHead): unknown => [
  head.id,
  head.fullVersion,
  head.title,
  head.summary,
  head.domain,
  head.lifecycle,
  head.owner,
  head.plans,
  head.consent,
  head.publishedAt,
  head.retirement,
]

const fingerprint = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16)

function listing(api: ApiPage, prices: PlanPrice[]): ApiListing {
  return {
    id: api.id,
    name: api.name,
    version: api.version,
    fullVersion: api.fullVersion,
    title: api.title,
    summary: api.summary,
    domain: api.domain,
    lifecycle: api.lifecycle,
    owner: api.owner,
    plans: api.plans,
    consent: api.consent,
    publishedAt: api.publishedAt,
    ...(api.retirement !== undefined && { retirement: api.retirement }),
    operations: api.operations.map(({ operationId, method, path, summary }) => ({
      operationId,
      method,
      path,
      summary,
    })),
    prices,
  }
}
