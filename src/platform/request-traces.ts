import type { IncomingHttpHeaders } from 'node:http'
import { parseTraceparent } from './trace-context.ts'
import { TraceIds, type Tracing } from './tracing.ts'

const perSecond = 20
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** A request that has been answered. */
export type AnsweredRequest = {
  headers: IncomingHttpHeaders
  method: string
  /** the template of the address; undefined when nothing is there */
  route: string | undefined
  status: number
  startMs: number
  endMs: number
}

/**
 * One span for each sampled request of a server beside the gateways: by the share, when the caller traces it or it
 * failed, the last two no more than a few times a second.
 * @public
 */
export class RequestTraces {
  #tracing: Tracing
  #share: number
  #ids = new TraceIds()
  #second = 0
  #used = 0

  constructor(options: { tracing: Tracing; share: number }) {
    this.#tracing = options.tracing
    this.#share = options.share
  }

  record(request: AnsweredRequest): void {
    const parent = parseTraceparent(request.headers.traceparent)
    const failed = request.status >= 500
    const sampled =
      (parent === undefined && this.#ids.chance(this.#share)) ||
      ((parent?.sampled === true || failed) && this.#mayMore(request.endMs))
    if (!sampled) return
    const method = methods.has(request.method) ? request.method : '_OTHER'
    this.#tracing.record({
      traceId: parent?.traceId ?? this.#ids.traceId(),
      spanId: this.#ids.spanId(),
      parentId: parent?.parentId,
      parentIsRemote: true,
      kind: 'server',
      name: request.route === undefined ? method : `${method} ${request.route}`,
      startMs: request.startMs,
      endMs: request.endMs,
      failed,
      attributes: {
        'http.request.method': method,
        'http.route': request.route,
        'http.response.status_code': request.status,
        'url.scheme': 'http',
        'error.type': failed ? String(request.status) : undefined,
      },
      events: [],
    })
  }

  #mayMore(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#used = 0
    }
    this.#used += 1
    return this.#used <= perSecond
  }
}
