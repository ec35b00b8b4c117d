import type { ApiListing } from '#portal/schema'

const order = ['Identity', 'Location', 'Billing', 'Communication', 'Connectivity']

export function byDomain(apis: readonly ApiListing[]): { domain: string; apis: ApiListing[] }[] {
  const names = [...new Set(apis.map((api) => api.domain))]
  const rank = (domain: string): number => {
    const place = order.indexOf(domain)
    return place === -1 ? order.length : place
  }
  return names
    .toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .map((domain) => ({
      domain,
      apis: apis
        .filter((api) => api.domain === domain)
        .toSorted((a, b) => a.title.localeCompare(b.title) || b.version.localeCompare(a.version)),
    }))
}
