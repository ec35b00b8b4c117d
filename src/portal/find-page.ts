import type { Config } from '#platform/config'
import { type ErrorCode, errorCodes } from '#platform/error-codes'
import type { CatalogView } from './api-directory.ts'
import { errorGuidance } from './error-guidance.ts'
import { firstOperation } from './first-call.ts'
import type { Highlighter } from './highlight-code.ts'
import { sampleCall, tokenUrlOf, tryItTarget } from './operation-call.ts'
import { languages } from './samples/index.ts'
import type {
  ApiPage,
  CodeBlock,
  ErrorPage,
  FormName,
  OperationPage,
  Page,
  TestNumber,
  TryItTarget,
} from './schema.ts'
import { listUseCases } from './use-cases.ts'

export type PageSource = {
  config: Config
  view: CatalogView
  numbers: readonly TestNumber[]
  highlighter: Highlighter
}

const formPaths: Readonly<Record<string, FormName>> = {
  '/sign-up': 'sign-up',
  '/sign-in': 'sign-in',
  '/recovery': 'recovery',
  '/reset': 'reset',
  '/verify-email': 'verify-email',
  '/accept-invitation': 'accept-invitation',
}

/** Every address without a part that names something. */
export const staticPaths: ReadonlySet<string> = new Set([
  ...Object.keys(formPaths),
  '/',
  '/apis',
  '/errors',
  '/sandbox',
  '/getting-started',
])

/** @returns what a public address shows; undefined when there is nothing */
export async function findPage(
  path: string,
  query: string,
  source: PageSource,
): Promise<Page | undefined> {
  const form = Object.hasOwn(formPaths, path) ? formPaths[path] : undefined
  if (form !== undefined) return { kind: 'form', form }
  switch (path) {
    case '/':
      return homePage(source)
    case '/apis':
      return { kind: 'catalog', apis: matching(source.view, query), query }
    case '/errors':
      return { kind: 'errors', codes: errorRows() }
    case '/sandbox':
      return { kind: 'sandbox', subscribers: [...source.numbers] }
    case '/getting-started':
      return await guidePage(source)
    default:
      return await deepPage(path, source)
  }
}

async function deepPage(path: string, source: PageSource): Promise<Page | undefined> {
  const [first, second, third, fourth, ...more] = path.split('/').slice(1)
  if (more.length > 0) return undefined
  if (first === 'errors' && second !== undefined && third === undefined)
    return await errorPage(second, source)
  if (first !== 'apis' || second === undefined) return undefined
  const versions = source.view.apis.filter((api) => api.name === second)
  if (third === undefined) return undefined
  const api = versions.find((a) => a.version === third)
  if (api === undefined) {
    const gone = source.view.retired.find((a) => a.name === second && a.version === third)
    return gone && { kind: 'retired', api: gone, otherVersions: versions }
  }
  if (fourth === undefined) {
    return {
      kind: 'api',
      api,
      prices: source.view.prices(api),
      otherVersions: versions.filter((v) => v !== api),
    }
  }
  const operation = api.operations.find((o) => o.operationId === fourth)
  return operation === undefined ? undefined : await operationPage(api, operation, source)
}

function matching(view: CatalogView, query: string): Extract<Page, { kind: 'catalog' }>['apis'] {
  const words = query
    .toLowerCase()
    .split(/[\s-]+/)
    .filter((word) => word !== '')
  return view.listings.filter((listing) => {
    const api = view.apis.find((a) => a.id === listing.id)
    const text = [
      listing.title,
      listing.name,
      listing.summary,
      listing.domain,
      ...listing.operations.flatMap((o) => [o.operationId, o.summary, o.path]),
      ...(api?.operations.flatMap((o) => o.scopes.flat()) ?? []),
    ]
      .join(' ')
      .toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

function homePage({ view, numbers, highlighter }: PageSource): Page {
  // Whoever is here comes to a page with code next.
  highlighter.warmUp()
  const first = firstOperation(view)
  return {
    kind: 'home',
    useCases: listUseCases(view.apis),
    apis: [...view.listings],
    live: first === undefined ? undefined : liveTarget(first.api, first.operation, numbers),
  }
}

/** The first answer that a visitor sees should be one that matters: a SIM that was swapped. */
function liveTarget(
  api: ApiPage,
  operation: OperationPage,
  numbers: readonly TestNumber[],
): TryItTarget {
  const swapped = numbers.find((n) => n.kind === 'person' && /swapped/i.test(n.title))
  const target = tryItTarget(api, operation, swapped === undefined ? numbers : [swapped])
  return { ...target, subscribers: [...numbers] }
}

async function samplesOf(
  api: ApiPage,
  operation: OperationPage,
  { config, numbers, highlighter }: PageSource,
): Promise<CodeBlock[]> {
  const call = sampleCall(config, api, operation, numbers)
  // Getting a token is half of each sample; where none is needed, curl says it all.
  const shown = call.apiKey === 'only' ? languages.slice(0, 1) : languages
  return await Promise.all(
    shown.map(({ language, label, write }) => highlighter.block(language, label, write(call))),
  )
}

async function guidePage(source: PageSource): Promise<Page> {
  const { config, numbers, view } = source
  const first = firstOperation(view)
  return {
    kind: 'guide',
    samples: first === undefined ? [] : await samplesOf(first.api, first.operation, source),
    first: first === undefined ? undefined : tryItTarget(first.api, first.operation, numbers),
    gateway: config.gateways.sandbox.url,
    tokenUrl: tokenUrlOf(config),
    openIdConfiguration: `${config.authorization.url}/sandbox/.well-known/openid-configuration`,
  }
}

/** What the gateway may answer on any API, whether its document says so or not. */
const gatewayCodes: readonly ErrorCode[] = [
  'TOO_MANY_REQUESTS',
  'QUOTA_EXCEEDED',
  'INTERNAL',
  'BAD_GATEWAY',
  'UNAVAILABLE',
  'TIMEOUT',
]

async function operationPage(
  api: ApiPage,
  operation: OperationPage,
  source: PageSource,
): Promise<Page> {
  const { config, numbers, highlighter, view } = source
  const json = (value: unknown): Promise<CodeBlock> =>
    highlighter.block('json', 'JSON', JSON.stringify(value, null, 2))
  const documented = JSON.stringify(operation.responses)
  const good = operation.responses.filter(
    (r) => /^[123]/.test(r.status) && r.examples[0] !== undefined,
  )
  const target = tryItTarget(api, operation, numbers)
  return {
    kind: 'operation',
    api,
    operation,
    prices: view.prices(api),
    samples: await samplesOf(api, operation, source),
    responses: await Promise.all(
      good.map(async (r) => ({ status: r.status, block: await json(r.examples[0]?.value) })),
    ),
    requestExample:
      target.body === undefined ? undefined : await highlighter.block('json', 'JSON', target.body),
    tryIt: target,
    gateway: config.gateways.sandbox.url,
    tokenUrl: tokenUrlOf(config),
    knownCodes: gatewayCodes.filter((code) => !documented.includes(`"${code}"`)),
  }
}

const errorRows = (): Extract<Page, { kind: 'errors' }>['codes'] =>
  Object.entries(errorCodes).map(([code, { status, retry, meaning }]) => ({
    code,
    status,
    retry,
    meaning,
  }))

async function errorPage(code: string, source: PageSource): Promise<Page | undefined> {
  const documentedBy = whereDocumented(code, source.view)
  const known = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : undefined
  const first = documentedBy[0]
  if (known === undefined && first === undefined) return undefined
  const status = known === undefined ? Number(first?.status) : errorCodes[known].status
  const message = known === undefined ? (first?.message ?? '') : errorCodes[known].meaning
  const example = JSON.stringify({ status, code, message }, null, 2)
  const error: ErrorPage = {
    code,
    status: Number.isInteger(status) ? status : undefined,
    retry: known === undefined ? undefined : errorCodes[known].retry,
    meaning: message,
    causes: known === undefined ? [] : errorGuidance[known].causes,
    remedy:
      known === undefined
        ? 'This code belongs to one API. Its page says when it comes; branch on it as on any other.'
        : errorGuidance[known].remedy,
    example: await source.highlighter.block('json', 'JSON', example),
    documentedBy: documentedBy.map(({ apiId, title, operationId, status: at }) => ({
      apiId,
      title,
      operationId,
      status: at,
    })),
  }
  return { kind: 'error', error }
}

type Documented = {
  apiId: string
  title: string
  operationId: string
  status: string
  message: string
}

function whereDocumented(code: string, view: CatalogView): Documented[] {
  return view.apis.flatMap((api) =>
    api.operations.flatMap((operation) => {
      for (const response of operation.responses) {
        for (const { value } of response.examples) {
          if (typeof value !== 'object' || value === null || !('code' in value)) continue
          if (value.code !== code) continue
          const message =
            'message' in value && typeof value.message === 'string' ? value.message : ''
          return [
            {
              apiId: api.id,
              title: `${api.title} ${api.version}`,
              operationId: operation.operationId,
              status: response.status,
              message,
            },
          ]
        }
      }
      return []
    }),
  )
}
