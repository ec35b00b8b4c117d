import type { Config } from '#platform/config'
import { exampleValue, namedValue, withSandboxNumber } from './example-value.ts'
import type { SampleCall } from './samples/index.ts'
import type { ApiPage, OperationPage, TestNumber, TryItTarget } from './schema.ts'

/** Headers that the portal or the gateway sets itself. */
const ownHeaders = new Set([
  'authorization',
  'content-type',
  'content-length',
  'host',
  'x-correlator',
])

type Parameter = OperationPage['parameters'][number]

export const callerParameters = (operation: OperationPage): Parameter[] =>
  operation.parameters.filter(
    (p) => p.in !== 'cookie' && !(p.in === 'header' && ownHeaders.has(p.name.toLowerCase())),
  )

export const tokenUrlOf = (config: Config): string => `${config.authorization.url}/sandbox/token`

export const scopeOf = (operation: OperationPage): string => (operation.scopes[0] ?? []).join(' ')

/** The body that a sample and the explorer begin with. */
export function startingBody(operation: OperationPage, numbers: readonly TestNumber[]): unknown {
  const example = operation.requestBody?.example
  if (operation.requestBody === undefined) return undefined
  const number = numbers[0]
  if (number === undefined) return example ?? {}
  return withSandboxNumber(example ?? {}, number.phoneNumber)
}

const startingValue = (parameter: Parameter, api: ApiPage): string => {
  const value =
    exampleValue(parameter.schema, api.schemas) ??
    (parameter.in === 'path' ? (namedValue(parameter.name, api) ?? 'example') : undefined)
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export function tryItTarget(
  api: ApiPage,
  operation: OperationPage,
  numbers: readonly TestNumber[],
): TryItTarget {
  const body = startingBody(operation, numbers)
  return {
    apiId: api.id,
    operationId: operation.operationId,
    method: operation.method,
    path: `${api.basePath}${operation.path}`,
    title: operation.summary || operation.operationId,
    parameters: callerParameters(operation).map((p) => ({
      name: p.name,
      in: p.in,
      required: p.required,
      value: p.required ? startingValue(p, api) : '',
      description: p.description,
    })),
    body: body === undefined ? undefined : JSON.stringify(body, null, 2),
    subscribers: [...numbers],
  }
}

export function sampleCall(
  config: Config,
  api: ApiPage,
  operation: OperationPage,
  numbers: readonly TestNumber[],
): SampleCall {
  const required = callerParameters(operation).filter((p) => p.required)
  const value = (p: Parameter): string => startingValue(p, api) || p.name
  const path = required
    .filter((p) => p.in === 'path')
    .reduce((text, p) => text.replace(`{${p.name}}`, encodeURIComponent(value(p))), operation.path)
  const pairs = required.filter((p) => p.in === 'query').map((p) => [p.name, value(p)])
  const query = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`
  return {
    tokenUrl: tokenUrlOf(config),
    scope: scopeOf(operation),
    method: operation.method,
    url: `${config.gateways.sandbox.url}${api.basePath}${path}${query}`,
    headers: Object.fromEntries(
      required.filter((p) => p.in === 'header').map((p) => [p.name, value(p)]),
    ),
    mediaType: operation.requestBody?.mediaType ?? 'application/json',
    body: startingBody(operation, numbers),
    ...apiKeyOf(operation),
  }
}

function apiKeyOf({ rules }: OperationPage): Pick<SampleCall, 'apiKey'> {
  const accepted = rules?.credentials ?? ['access-token']
  if (!accepted.includes('api-key')) return {}
  return { apiKey: accepted.includes('access-token') ? 'instead' : 'only' }
}
