import { Type } from 'typebox'
import type { Actor } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { type Config, environments } from '#platform/config'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import type { Platform } from '#platform/module'
import { noSuchApi } from './change-lifecycle.ts'
import { withAddresses } from './document-addresses.ts'
import { dpvPurposes, purposeTitle } from './dpv-purposes.ts'
import { listOf as itemsOf, recordOf, textOf } from './json.ts'
import { toSummary, toVersion } from './present.ts'
import { Api, ApiSummary, ApiVersion, Domain, Lifecycle, Purpose } from './schema.ts'
import { findApi, findDocument, listApis } from './store.ts'
import type { CatalogTables } from './tables.ts'

const tags = ['APIs']
const Name = Type.String({ pattern: '^[a-z][a-z0-9-]*$', maxLength: 64 })
export const VersionParams = Type.Object({
  apiName: Name,
  version: Type.String({ pattern: '^v[a-z0-9.]+$', maxLength: 32 }),
})

const ListQuery = Type.Object(
  {
    ...PageQuery.properties,
    domain: Type.Optional(
      Type.String({ maxLength: 200, description: 'one, or several with commas' }),
    ),
    lifecycle: Type.Optional(
      Type.String({ maxLength: 200, description: 'one, or several with commas' }),
    ),
  },
  { additionalProperties: false },
)

const DocumentQuery = Type.Object(
  {
    environment: Type.Union(
      environments.map((e) => Type.Literal(e)),
      { default: 'sandbox' },
    ),
  },
  { additionalProperties: false },
)

const isOperator = (actor: Actor): boolean => actor.kind === 'operator' || actor.kind === 'system'

/** What anybody may read: the catalog, without drafts. */
export function publicRoutes(platform: Platform): Routes {
  const db = platform.database.as<CatalogTables>()

  return (server) => {
    server.get(
      '/purposes',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'listPurposes',
          summary: 'The purposes that personal data may be asked for (Data Privacy Vocabulary)',
          tags,
          querystring: PageQuery,
          response: { 200: listOf(Purpose) },
        },
      },
      async ({ query }) => {
        const from = offsetOf(query)
        const page = dpvPurposes.slice(from, from + query.perPage)
        const items = page.map((id) => ({ id, title: purposeTitle(id) }))
        return paginate(items, dpvPurposes.length, query)
      },
    )
    server.get(
      '/apis',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'listApis',
          summary: 'The API versions in the catalog',
          tags,
          querystring: ListQuery,
          response: { 200: listOf(ApiSummary) },
        },
      },
      async ({ query, actor }) => {
        const usual: Lifecycle[] = isOperator(actor)
          ? ['draft', 'published', 'deprecated', 'retired']
          : ['published', 'deprecated']
        const wanted = oneOrMore('lifecycle', query.lifecycle, lifecycles)
        const seen = wanted?.filter((state) => state !== 'draft' || isOperator(actor))
        const filter = {
          domains: oneOrMore('domain', query.domain, domains),
          lifecycles: seen ?? usual,
        }
        // `in ()` is no SQL.
        if (filter.lifecycles.length === 0) return paginate([], 0, query)
        const page = { limit: query.perPage, offset: offsetOf(query) }
        const { rows, total } = await listApis(db, filter, page)
        return paginate(rows.map(toSummary), total, query)
      },
    )

    server.get(
      '/apis/:apiName',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'getApi',
          summary: 'An API and its versions',
          tags,
          params: Type.Object({ apiName: Name }),
          response: { 200: Api },
        },
      },
      async ({ params, actor }) => {
        const lifecycles: Lifecycle[] = ['published', 'deprecated', 'retired']
        if (isOperator(actor)) lifecycles.unshift('draft')
        const filter = { name: params.apiName, lifecycles }
        const { rows } = await listApis(db, filter, { limit: 100, offset: 0 })
        const newest = rows.findLast((row) => row.lifecycle === 'published') ?? rows.at(-1)
        if (newest === undefined) throw noSuchApi()
        const { name, title, domain } = newest
        return { name, title, domain, versions: rows.map(toSummary) }
      },
    )

    server.get(
      '/apis/:apiName/versions/:version',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'getApiVersion',
          summary: 'An API version with its operations, schemas and examples',
          tags,
          params: VersionParams,
          response: { 200: ApiVersion },
        },
      },
      async ({ params, actor }) => {
        const row = await findApi(db, `${params.apiName}/${params.version}`)
        if (row === undefined || (row.lifecycle === 'draft' && !isOperator(actor)))
          throw noSuchApi()
        return toVersion(row, isOperator(actor))
      },
    )

    server.get(
      '/apis/:apiName/versions/:version/openapi',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'getApiDocument',
          summary: 'The OpenAPI document of an API version, with the address of a gateway in it',
          tags,
          params: VersionParams,
          querystring: DocumentQuery,
          produces: ['application/yaml', 'application/json'],
        },
      },
      async ({ params, query, actor, headers }, reply) => {
        const row = await findDocument(db, `${params.apiName}/${params.version}`)
        if (row === undefined || (row.lifecycle === 'draft' && !isOperator(actor)))
          throw noSuchApi()
        const addresses = addressesFor(platform.config, query.environment, row.compiled.basePath)
        const text = withAddresses(row.document, row.compiled.addresses, addresses)
        reply.header('vary', 'Accept, Cookie, Authorization')
        const isJson = row.document.trimStart().startsWith('{')
        switch (acceptedOf(headers.accept)) {
          case 'yaml':
            return reply.type('application/yaml; charset=utf-8').send(text)
          case 'json':
            return reply
              .type('application/json; charset=utf-8')
              .send(isJson ? text : JSON.stringify(withServers(row.document_json, addresses)))
          case 'any':
            return reply.type(`application/${isJson ? 'json' : 'yaml'}; charset=utf-8`).send(text)
          case 'none':
            throw new AppError('NOT_ACCEPTABLE', 'Ask for application/yaml or application/json.')
        }
      },
    )
  }
}

const lifecycles = Lifecycle.anyOf.map((state) => state.const)
const domains = Domain.anyOf.map((domain) => domain.const)

/** `a,b` means a or b (CAMARA Commonalities, filtering). */
function oneOrMore<T extends string>(
  name: string,
  text: string | undefined,
  known: readonly T[],
): T[] | undefined {
  if (text === undefined) return undefined
  const wanted = text.split(',').map((part) => part.trim())
  const found = known.filter((value) => wanted.includes(value))
  if (found.length < new Set(wanted).size) {
    throw invalidArgument([
      { path: `querystring/${name}`, message: `must be one of ${known.join(', ')}` },
    ])
  }
  return found
}

type Addresses = { apiRoot: string; url: string }

function addressesFor(
  config: Config,
  environment: (typeof environments)[number],
  basePath: string,
): Addresses {
  const apiRoot = config.gateways[environment].url
  return { apiRoot, url: `${apiRoot}${basePath}` }
}

function withServers(document: unknown, { apiRoot, url }: Addresses): unknown {
  const servers = itemsOf(recordOf(document).servers).map((server) => {
    const fields = recordOf(server)
    const variables = recordOf(fields.variables)
    const root = recordOf(variables.apiRoot)
    if (!textOf(fields.url).includes('{apiRoot}') || !('default' in root)) return { ...fields, url }
    return { ...fields, variables: { ...variables, apiRoot: { ...root, default: apiRoot } } }
  })
  return servers.length === 0 ? document : { ...recordOf(document), servers }
}

/** The better of the two that a caller accepts; nothing is read into a missing header. */
function acceptedOf(accept: string | undefined): 'yaml' | 'json' | 'any' | 'none' {
  if (accept === undefined || accept.trim() === '') return 'any'
  const wanted = accept.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const q = parameters.find((text) => text.startsWith('q='))
    return { type, q: q === undefined ? 1 : Number(q.slice(2)) || 0 }
  })
  const best = (...types: string[]): number =>
    Math.max(0, ...wanted.filter(({ type }) => types.includes(type)).map(({ q }) => q))
  const yaml = best('application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml')
  const json = best('application/json')
  const any = best('*/*', 'application/*', 'text/*')
  if (Math.max(yaml, json, any) === 0) return 'none'
  if (any >= Math.max(yaml, json)) return 'any'
  return json >= yaml ? 'json' : 'yaml'
}
