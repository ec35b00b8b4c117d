import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span as it arrives at a collector: OTLP/HTTP with JSON. */
export type ReceivedSpan = {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  kind: number
  startMs: number
  endMs: number
  failed: boolean
  attributes: Record<string, unknown>
  events: { name: string; attributes: Record<string, unknown> }[]
  resource: Record<string, unknown>
}

type OtlpAttribute = { key: string; value: Record<string, unknown> }
type OtlpSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  status: { code: number }
  attributes: OtlpAttribute[]
  events: { name: string; attributes: OtlpAttribute[] }[]
}
type OtlpRequest = {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] }
    scopeSpans: { spans: OtlpSpan[] }[]
  }[]
}

export type TestCollector = {
  url: string
  spans: ReceivedSpan[]
  bodies: string[]
  headers: Record<string, unknown>[]
  /** what it answers; 0 never answers */
  status: number
}

/** A real OTLP/HTTP receiver. */
export async function testCollector(t: {
  after: (fn: () => void) => void
}): Promise<TestCollector> {
  const collector: TestCollector = { url: '', spans: [], bodies: [], headers: [], status: 200 }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      if (collector.status === 0) return
      collector.headers.push({ ...request.headers })
      if (collector.status === 200 && request.url === '/v1/traces') {
        collector.bodies.push(body)
        collector.spans.push(...spansOf(JSON.parse(body) as OtlpRequest))
      }
      response
        .writeHead(request.url === '/v1/traces' ? collector.status : 404, {
          'content-type': 'application/json',
        })
        .end('{}')
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  collector.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return collector
}

const valuesOf = (attributes: readonly OtlpAttribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

const spansOf = (request: OtlpRequest): ReceivedSpan[] =>
  request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        name: span.name,
        kind: span.kind,
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        failed: span.status.code === 2,
        attributes: valuesOf(span.attributes),
        events: span.events.map(({ name, attributes }) => ({
          name,
          attributes: valuesOf(attributes),
        })),
        resource: valuesOf(resource.attributes),
      })),
    ),
  )
