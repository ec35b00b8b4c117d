import type { ServerResponse } from 'node:http'
import type { NewRecord } from '#journal'
import type { InternalHandler } from '#platform/internal-server'
import { sameSecret } from '#platform/sealing'
import { isWanted, type LiveFilter, liveFilterOf } from './live-filter.ts'

const mostViewers = 16
/** beyond this a viewer that does not read loses records */
const mostWaiting = 262_144
const mostPerSecond = 200
/** a connection without a line for longer than this is dead */
const heartbeatMs = 5_000
/** how long a viewer may read nothing at all */
const patienceMs = 60_000

type Viewer = {
  response: ServerResponse
  filter: LiveFilter
  sentThisSecond: number
  lost: number
  idleTurns: number
  stuckTurns: number
}

/**
 * Shows the journal's records as they are written, to control only. Nobody watches: one test for each record. A viewer
 * that is slow, or asks for more than a screen can show, loses records and is told how many; nothing waits for it.
 * @public
 */
export class LiveTail {
  #viewers = new Set<Viewer>()
  #timer: NodeJS.Timeout | undefined
  #token: string
  #mostPerSecond: number

  constructor(options: { token: string; mostPerSecond?: number }) {
    this.#token = options.token
    this.#mostPerSecond = options.mostPerSecond ?? mostPerSecond
  }

  get watched(): boolean {
    return this.#viewers.size > 0
  }

  publish(record: NewRecord): void {
    let line: string | undefined
    for (const viewer of this.#viewers) {
      if (!isWanted(viewer.filter, record)) continue
      if (
        viewer.sentThisSecond >= this.#mostPerSecond ||
        viewer.response.writableLength > mostWaiting
      ) {
        viewer.lost += 1
        continue
      }
      line ??= `${JSON.stringify({ record })}\n`
      viewer.sentThisSecond += 1
      viewer.response.write(line)
    }
  }

  /** `GET /internal/v1/tail`: a line of JSON for each record, for how many were lost, and an empty one now and then. */
  readonly handler: InternalHandler = (request, response) => {
    const shown = /^Bearer ([\w-]{1,256})$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (shown === '' || !sameSecret(shown, this.#token))
      return refuse(response, 401, 'UNAUTHENTICATED', 'The tail token is not the one of control.')
    if (this.#viewers.size >= mostViewers)
      return refuse(response, 503, 'UNAVAILABLE', `There are ${mostViewers} viewers already.`)
    const query = new URLSearchParams((request.url ?? '').split('?', 2)[1] ?? '')
    const viewer: Viewer = {
      response,
      filter: liveFilterOf(query),
      sentThisSecond: 0,
      lost: 0,
      idleTurns: 0,
      stuckTurns: 0,
    }
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    response.write('\n')
    response.on('error', () => undefined)
    response.on('close', () => {
      this.#viewers.delete(viewer)
      if (this.#viewers.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    })
    this.#viewers.add(viewer)
    this.#timer ??= setInterval(() => this.#turn(), 1_000).unref()
  }

  stop(): void {
    for (const { response } of this.#viewers) response.end()
  }

  #turn(): void {
    for (const viewer of this.#viewers) {
      const { response } = viewer
      const quiet = viewer.sentThisSecond === 0
      viewer.sentThisSecond = 0
      if (response.writableLength > mostWaiting) {
        viewer.stuckTurns += 1
        if (viewer.stuckTurns * 1_000 > patienceMs) response.destroy()
        continue
      }
      viewer.stuckTurns = 0
      viewer.idleTurns = quiet ? viewer.idleTurns + 1 : 0
      if (viewer.lost > 0) {
        response.write(`${JSON.stringify({ lost: viewer.lost })}\n`)
        viewer.lost = 0
      } else if (viewer.idleTurns * 1_000 >= heartbeatMs) {
        response.write('\n')
        viewer.idleTurns = 0
      }
    }
  }
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ status, code, message }))
}
