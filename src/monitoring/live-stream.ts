import type { ServerResponse } from 'node:http'
import type { Member } from '#gateway'
import type { Environment } from '#platform/config'
import { followGateway } from './follow-gateway.ts'
import type { LiveSource } from './schema.ts'

export type LiveStreamOptions = {
  response: ServerResponse
  environments: readonly Environment[]
  /** the query of each gateway's tail */
  queryOf: (environment: Environment) => string
  members: () => Promise<Member[]>
  tokenOf: (environment: Environment) => string
}

const lookEveryMs = 1_000
const heartbeatMs = 10_000
/** beyond this a browser that does not read loses records */
const mostWaiting = 524_288

/**
 * One viewer of the live tail: the calls of every live gateway as server-sent events. Gateways that come are followed
 * within a second or two, and those that go are let go of.
 */
export function startLiveStream(options: LiveStreamOptions): { stop(): void } {
  const { response } = options
  const followed = new Map<string, { source: LiveSource; address: string; stop(): void }>()
  let lost = 0
  let stopped = false
  let told = ''

  const send = (event: string, data: unknown): void => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const tellSources = (): void => {
    const sources = [...followed.values()].map(({ source }) => source)
    const text = JSON.stringify(sources)
    if (text === told) return
    told = text
    send('gateways', sources)
  }
  const follow = (member: Member): void => {
    const key = keyOf(member)
    const { gatewayId, environment, address } = member
    const source: LiveSource = { gatewayId, environment, state: 'unreachable' }
    const following = followGateway({
      member,
      token: options.tokenOf(environment),
      query: options.queryOf(environment),
      onRecord: (record) => {
        if (record.environment !== environment) return
        if (response.writableLength > mostWaiting) lost += 1
        else send('call', { ...record, gatewayId })
      },
      onLost: (count) => {
        lost += count
      },
      onState: (state) => {
        if (source.state === state) return
        source.state = state
        if (followed.get(key)?.source === source) tellSources()
      },
    })
    followed.set(key, { source, address, stop: following.stop })
  }
  const look = async (): Promise<void> => {
    const members = await options.members().catch(() => undefined)
    if (stopped || members === undefined) return
    const live = new Map(
      members
        .filter((member) => member.live && options.environments.includes(member.environment))
        .map((member) => [keyOf(member), member]),
    )
    for (const [key, { address, stop }] of followed) {
      if (live.get(key)?.address === address) continue
      stop()
      followed.delete(key)
    }
    for (const [key, member] of live) if (!followed.has(key)) follow(member)
    tellSources()
  }
  const tellLost = (): void => {
    if (lost === 0 || response.writableLength > mostWaiting) return
    send('lost', { count: lost })
    lost = 0
  }

  response.write(': the calls of the gateways as they happen\nretry: 2000\n\n')
  let timer: NodeJS.Timeout | undefined
  const turn = (): void => {
    tellLost()
    void look().finally(() => {
      if (!stopped) timer = setTimeout(turn, lookEveryMs)
    })
  }
  turn()
  const heartbeat = setInterval(() => response.write(':\n\n'), heartbeatMs)
  const stop = (): void => {
    if (stopped) return
    stopped = true
    clearTimeout(timer)
    clearInterval(heartbeat)
    for (const { stop: leave } of followed.values()) leave()
    followed.clear()
    response.end()
  }
  response.on('error', () => undefined)
  response.on('close', stop)
  return { stop }
}

const keyOf = ({ environment, gatewayId }: Member): string => `${environment} ${gatewayId}`
