import type { Catalog } from '#catalog'
import type { FirstCall } from '#partners'
import type { Config } from '#platform/config'

/** The operations that make the best first call, most wanted first; any other published one serves as well. */
const preferred = [
  ['sim-swap/v2', 'checkSimSwap'],
  ['location-verification/v3', 'verifyLocation'],
] as const

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The call that a new partner makes first, with its own credentials in it, ready for a shell. */
export async function firstCall(
  config: Config,
  catalog: Pick<Catalog, 'apiEntry' | 'publishedApis'>,
  credentials: { clientId: string; clientSecret: string },
): Promise<FirstCall> {
  const tokenUrl = `${config.authorization.url}/sandbox/token`
  const gateway = config.gateways.sandbox.url
  const operation = await firstOperation(catalog)
  if (operation === undefined) {
    return {
      tokenUrl,
      url: gateway,
      curl: `curl -sS -u ${quoted(`${credentials.clientId}:${credentials.clientSecret}`)} -d grant_type=client_credentials ${quoted(tokenUrl)}`,
    }
  }
  const url = `${gateway}${operation.path}`
  const token = [
    `curl -sS -u ${quoted(`${credentials.clientId}:${credentials.clientSecret}`)}`,
    '-d grant_type=client_credentials',
    ...(operation.scope === '' ? [] : [`-d ${quoted(`scope=${operation.scope}`)}`]),
    quoted(tokenUrl),
  ].join(' ')
  const body =
    operation.body === undefined
      ? []
      : ["-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(operation.body))}`]
  const curl = [
    `curl -sS -X ${operation.method} ${quoted(url)}`,
    `-H "authorization: Bearer $(${token} | sed -E 's/.*"access_token" *: *"([^"]+)".*/\\1/')"`,
    ...body,
  ].join(' \\\n  ')
  return { tokenUrl, url, curl }
}

type FirstOperation = { method: string; path: string; scope: string; body: unknown }

async function firstOperation(
  catalog: Pick<Catalog, 'apiEntry' | 'publishedApis'>,
): Promise<FirstOperation | undefined> {
  const published = (await catalog.publishedApis()).map((api) => api.apiId)
  const candidates = [
    ...preferred.map(([apiId]) => apiId).filter((id) => published.includes(id)),
    ...published,
  ]
  for (const apiId of candidates) {
    const entry = await catalog.apiEntry(apiId, 'sandbox')
    const wanted = preferred.find(([id]) => id === apiId)?.[1]
    const operation =
      entry?.operations.find((o) => o.operationId === wanted) ??
      entry?.operations.find(
        (o) => !o.path.includes('{') && !o.parameters.some((p) => p.required && p.in !== 'header'),
      )
    if (entry === undefined || operation === undefined) continue
    return {
      method: operation.method,
      path: `${entry.basePath}${operation.path}`,
      scope: (operation.scopes[0] ?? []).join(' '),
      body: operation.requestBody === undefined ? undefined : operation.requestExample,
    }
  }
  return undefined
}
