import { type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { FinishedSpan, SpanSender } from './tracing.ts'

const timeoutMs = 5_000

/**
 * Sends spans to an OTLP/HTTP collector. Its libraries are 24 MB in memory, so this file is loaded only by a process
 * that has a collector.
 * @param options.endpoint base address, as in OTEL_EXPORTER_OTLP_ENDPOINT
 * @param options.headers `name=value,name=value`, percent-encoded where needed
 * @public
 */
export function createOtlpSender(options: {
  endpoint: string
  headers: string | undefined
  resource: Readonly<Record<string, string>>
}): SpanSender {
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint}/v1/traces`,
    headers: headersOf(options.headers),
    timeoutMillis: timeoutMs,
    concurrencyLimit: 1,
  })
  const resource = resourceFromAttributes(options.resource)
  return {
    send: (spans) =>
      new Promise((resolve) => {
        try {
          exporter.export(
            spans.map((span) => readable(span, resource)),
            ({ code, error }) => {
              resolve(code === 0 ? undefined : (error ?? new Error('refused')))
            },
          )
        } catch (error) {
          resolve(error instanceof Error ? error : new Error(String(error)))
        }
      }),
    stop: () => exporter.shutdown(),
  }
}

function headersOf(text = ''): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const part of text.split(',')) {
    const equals = part.indexOf('=')
    if (equals > 0)
      headers[decoded(part.slice(0, equals)).trim()] = decoded(part.slice(equals + 1)).trim()
  }
  return headers
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const hrTime = (ms: number): HrTime => {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.floor((ms - seconds * 1_000) * 1_000_000)]
}

const scope = { name: 'wayleave' }

function readable(span: FinishedSpan, resource: Resource): ReadableSpan {
  const context = (spanId: string, isRemote: boolean) => ({
    traceId: span.traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote,
  })
  const own = context(span.spanId, false)
  return {
    name: span.name,
    kind: span.kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT,
    spanContext: () => own,
    ...(span.parentId === undefined
      ? {}
      : { parentSpanContext: context(span.parentId, span.parentIsRemote) }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.endMs),
    duration: hrTime(Math.max(0, span.endMs - span.startMs)),
    status: { code: span.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: Object.fromEntries(
      Object.entries(span.attributes).filter((entry) => entry[1] !== undefined),
    ),
    events: span.events.map(({ name, atMs, attributes }) => ({
      name,
      attributes: { ...attributes },
      time: hrTime(atMs),
    })),
    links: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}
