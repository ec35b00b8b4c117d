/** What the server tells a signed-in page with its document; nothing in it is private. */
export type PageContext = {
  nonce: string
  operatorName: string
  version: string
  currency: string
  portal: string
  environments: Record<
    'sandbox' | 'production',
    {
      gateway: string
      gatewayTls: string
      issuer: string
      /** where certificates are shown to the issuer; not there when it takes none */
      issuerTls?: string
      tokenUrl: string
    }
  >
  /** the call that a new application makes first, with placeholders for its two values */
  firstCall?: { apiId: string; operationId: string; title: string; curl: string; body?: unknown }
}

export function readPageContext(): PageContext {
  const text = document.getElementById('wayleave-context')?.textContent
  if (text === null || text === undefined) throw new Error('the page has no context')
  return JSON.parse(text) as PageContext
}
