/** The token of a one-time link: behind "#", where no server sees it, or in the query. */
export function tokenOfAddress(address: string): string {
  const url = new URL(address)
  const fragment = new URLSearchParams(url.hash.replace(/^#/, '')).get('token')
  return fragment ?? url.searchParams.get('token') ?? ''
}
