import { isUtf8 } from 'node:buffer'
import type { OutgoingCall } from './upstream-endpoint.ts'

/** A request in version 2.0 of the payload that API gateways give to functions. */
export type InvocationEvent = {
  version: '2.0'
  routeKey: string
  rawPath: string
  rawQueryString: string
  headers: Record<string, string>
  queryStringParameters?: Record<string, string>
  pathParameters?: Readonly<Record<string, string>>
  requestContext: {
    accountId: string
    apiId: string
    domainName: string
    domainPrefix: string
    http: { method: string; path: string; protocol: string; sourceIp: string; userAgent: string }
    requestId: string
    routeKey: string
    stage: string
    time: string
    timeEpoch: number
  }
  body?: string
  isBase64Encoded: boolean
}

/**
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function invocationEvent(
  call: OutgoingCall,
  where: { environment: string; apiId: string },
): InvocationEvent {
  const { exchange, method, path, query, body } = call
  const headers = headersOf(call)
  const host = exchange.request.headers.host ?? ''
  const documented = exchange.operation?.documented
  const basePath = exchange.operation?.api.basePath ?? ''
  const routeKey = `${method} ${basePath}${documented?.path ?? ''}`
  const parameters = queryParameters(query)
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: query.slice(1),
    headers,
    ...(parameters === undefined ? {} : { queryStringParameters: parameters }),
    ...(Object.keys(exchange.parameters).length === 0
      ? {}
      : { pathParameters: { ...exchange.parameters } }),
    requestContext: {
      accountId: 'anonymous',
      apiId: where.apiId,
      domainName: host,
      domainPrefix: host.split(/[.:]/, 1)[0] ?? '',
      http: {
        method,
        path,
        protocol: `HTTP/${exchange.request.httpVersion}`,
        sourceIp: exchange.clientAddress,
        userAgent: exchange.request.headers['user-agent'] ?? '',
      },
      requestId: exchange.id,
      routeKey,
      stage: where.environment,
      time: clfTime(exchange.at),
      timeEpoch: exchange.at,
    },
    ...eventBody(body, exchange.contentType),
  }
}

function headersOf({ headers }: OutgoingCall): Record<string, string> {
  const record: Record<string, string> = Object.create(null)
  for (let i = 0; i < headers.length; i += 2) record[headers[i] ?? ''] = headers[i + 1] ?? ''
  return record
}

/** Names that are there more than once have their values joined by commas. */
function queryParameters(query: string): Record<string, string> | undefined {
  if (query === '') return undefined
  const record: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(query)) {
    const before = record[name]
    record[name] = before === undefined ? value : `${before},${value}`
  }
  return record
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const two = (value: number): string => String(value).padStart(2, '0')

/** The common log format: `12/Mar/2020:19:03:58 +0000`. */
function clfTime(ms: number): string {
  const date = new Date(ms)
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
}

const textual =
  /^(?:text\/.*|application\/(?:.*\+)?(?:json|xml)|application\/x-www-form-urlencoded)$/

/** Text stays text; anything else is base64, and the event says so. */
function eventBody(
  body: Buffer,
  contentType: string | undefined,
): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false }
  return contentType !== undefined && textual.test(contentType) && isUtf8(body)
    ? { body: body.toString('utf8'), isBase64Encoded: false }
    : { body: body.toString('base64'), isBase64Encoded: true }
}
