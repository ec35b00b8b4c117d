import { Type } from 'typebox'
import { AppError } from '#platform/app-error'
import { type Environment, environments } from '#platform/config'
import type { Routes } from '#platform/http-server'
import { isRecordedHash, recordedCorrelator } from '#platform/recorded-correlator'
import type { Sealing } from '#platform/sealing'
import { startLiveStream } from './live-stream.ts'
import type { MonitoringOptions } from './monitoring-options.ts'

const mostViewers = 8
const longestMs = 15 * 60_000
/** so often it is asked whether whoever watches may still: they are out within a second */
const lookAgainMs = 700

const Reference = Type.Optional(Type.String({ maxLength: 256, pattern: '^[^\\u0000]*$' }))
const LiveQuery = Type.Object(
  {
    environment: Type.Optional(Type.Union([Type.Literal('sandbox'), Type.Literal('production')])),
    apiId: Reference,
    operationId: Reference,
    partnerId: Reference,
    applicationId: Reference,
    statusClass: Type.Optional(Type.String({ pattern: '^[2-5]xx$' })),
    refusedBy: Reference,
    correlator: Reference,
    undocumented: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])),
  },
  { additionalProperties: false },
)

/** The live tail, for operators only. */
export function createLiveRoutes(options: MonitoringOptions): Routes {
  const viewers = new Set<() => void>()
  return (server) => {
    // Streams are requests that never end by themselves: the server would wait for them for ever.
    server.addHook('preClose', async () => {
      for (const stop of viewers) stop()
    })
    server.get(
      '/exchanges/live',
      {
        config: { access: 'exchange-stream.read' },
        schema: {
          operationId: 'watchExchanges',
          summary: 'Requests through the gateways as they happen',
          description:
            'Server-sent events: `call` (one exchange), `lost` (how many a slow reader, or more than 200 a second, has missed), `gateways` (which are followed). `refusedBy=any` shows every call that a gateway turned away. The stream ends after 15 minutes, and within a second when the caller may no longer watch; connect again.',
          tags: ['exchanges'],
          querystring: LiveQuery,
          produces: ['text/event-stream'],
          response: { 200: { description: 'Server-sent events', type: 'string' } },
        },
      },
      (request, reply) => {
        if (viewers.size >= mostViewers)
          throw new AppError(
            'UNAVAILABLE',
            `${mostViewers} people watch live calls already. Try again when one has left.`,
            { headers: { 'retry-after': '30' } },
          )
        const { environment, ...filter } = request.query
        reply.hijack()
        const { raw } = reply
        raw.writeHead(200, {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
          'x-content-type-options': 'nosniff',
          'x-correlator': request.id,
        })
        const stream = startLiveStream({
          response: raw,
          environments: environment === undefined ? environments : [environment],
          queryOf: (which) => queryOf(filter, gatewayKeys(options, which)),
          members: options.members,
          tokenOf: (which: Environment) => tailToken(options, which),
        })
        const end = setTimeout(stream.stop, longestMs)
        const look = setInterval(() => {
          void request
            .mayStill()
            .catch(() => false)
            .then((may) => {
              if (!may) stream.stop()
            })
        }, lookAgainMs)
        const stop = (): void => {
          clearTimeout(end)
          clearInterval(look)
          viewers.delete(stop)
          stream.stop()
        }
        viewers.add(stop)
        raw.on('close', stop)
      },
    )
  }
}

const gatewayKeys = (
  { sealing }: Pick<MonitoringOptions, 'sealing'>,
  environment: Environment,
): Sealing => sealing.child(`gateway:${environment}`)

/** The same that a gateway makes of its own key. */
const tailToken = ({ sealing }: MonitoringOptions, environment: Environment): string =>
  gatewayKeys({ sealing }, environment).machineToken('tail')

/** A correlator is asked for as gateways write it down: what may name a person goes no further than here. */
function queryOf(filter: Readonly<Record<string, string | undefined>>, keys: Sealing): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter))
    if (value !== undefined && value !== '')
      query.set(name, name === 'correlator' ? soughtIn(value, keys) : value)
  return query.size === 0 ? '' : `?${query}`
}

/** Whoever pastes what they read in a record means that record. */
const soughtIn = (correlator: string, keys: Sealing): string =>
  isRecordedHash(correlator) ? correlator : recordedCorrelator(correlator, keys)
