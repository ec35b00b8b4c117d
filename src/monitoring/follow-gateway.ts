import { get, type IncomingMessage } from 'node:http'
import type { Member } from '#gateway'

export type FollowOptions = {
  member: Pick<Member, 'address' | 'gatewayId'>
  token: string
  /** the query of the tail: which calls are wanted */
  query: string
  onRecord: (record: Readonly<Record<string, unknown>>) => void
  onLost: (count: number) => void
  onState: (state: 'connected' | 'unreachable') => void
}

const connectWithinMs = 3_000
/** a gateway says something every five seconds, if only that it lives */
const silenceMs = 15_000
const shortestPauseMs = 250
const longestPauseMs = 4_000
const longestLine = 65_536

/** Follows the tail of one gateway, and comes back to it when the connection is lost, until it is stopped. */
export function followGateway(options: FollowOptions): { stop(): void } {
  let stopped = false
  let pauseMs = shortestPauseMs
  let timer: NodeJS.Timeout | undefined
  let current: { destroy(): void } | undefined

  const again = (): void => {
    if (stopped) return
    options.onState('unreachable')
    timer = setTimeout(connect, pauseMs)
    pauseMs = Math.min(longestPauseMs, pauseMs * 2)
  }
  const connect = (): void => {
    const url = `${options.member.address}/internal/v1/tail${options.query}`
    const request = get(url, {
      headers: { authorization: `Bearer ${options.token}` },
      timeout: connectWithinMs,
      agent: false,
    })
    current = request
    let ended = false
    const end = (): void => {
      if (ended) return
      ended = true
      request.destroy()
      again()
    }
    request.on('timeout', end)
    request.on('error', end)
    request.on('close', end)
    request.on('response', (response) => {
      if (response.statusCode !== 200) return end()
      pauseMs = shortestPauseMs
      options.onState('connected')
      request.setTimeout(silenceMs)
      readLines(response, (line) => take(line, options), end)
    })
  }
  connect()
  return {
    stop() {
      stopped = true
      clearTimeout(timer)
      current?.destroy()
    },
  }
}

function readLines(response: IncomingMessage, take: (line: string) => void, end: () => void): void {
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > longestLine) return end()
    for (const line of lines) if (line !== '') take(line)
  })
  response.on('error', end)
  response.on('end', end)
}

function take(line: string, options: FollowOptions): void {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return
  }
  if (typeof value !== 'object' || value === null) return
  const { record, lost } = value as { record?: unknown; lost?: unknown }
  if (typeof record === 'object' && record !== null)
    options.onRecord(record as Readonly<Record<string, unknown>>)
  if (typeof lost === 'number') options.onLost(lost)
}
