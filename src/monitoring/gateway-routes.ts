import { get } from 'node:http'
import { type Static, Type } from 'typebox'
import type { Member } from '#gateway'
import type { Routes } from '#platform/http-server'
import type { MonitoringOptions } from './monitoring-options.ts'
import { GatewayReport, GatewayStatus, type UpstreamState, type ViolationState } from './schema.ts'

const askWithinMs = 2_000
const mostBytes = 4 * 1_048_576

/** Which gateways there are, which snapshot each serves, and what each says of its upstreams. */
export function createGatewayRoutes(options: MonitoringOptions): Routes {
  return (server) => {
    server.get(
      '/gateways',
      {
        config: { access: 'gateway.read' },
        schema: {
          operationId: 'listGateways',
          summary: 'The gateway processes that live, and those that were seen within the last hour',
          tags: ['gateways'],
          response: { 200: Type.Object({ items: Type.Array(GatewayStatus) }) },
        },
      },
      async () => {
        const [members, heads] = await Promise.all([options.members(), options.heads()])
        const headOf = new Map(heads.map((head) => [head.environment, head.revision]))
        return { items: members.map((member) => statusOf(member, headOf.get(member.environment))) }
      },
    )

    server.get(
      '/gateways/reports',
      {
        config: { access: 'gateway.read' },
        schema: {
          operationId: 'listGatewayReports',
          summary:
            'What each live gateway says of its upstreams, and of answers that broke their documents',
          tags: ['gateways'],
          response: { 200: Type.Object({ items: Type.Array(GatewayReport) }) },
        },
      },
      async () => {
        const live = (await options.members()).filter((member) => member.live)
        return { items: await Promise.all(live.map(report)) }
      },
    )
  }
}

const statusOf = (member: Member, head: number | undefined): Static<typeof GatewayStatus> => ({
  environment: member.environment,
  gatewayId: member.gatewayId,
  state: member.live ? 'live' : 'gone',
  revision: member.revision,
  behind: Math.max(0, (head ?? member.revision) - member.revision),
  startedAt: member.startedAt.toISOString(),
  seenAt: member.seenAt.toISOString(),
})

async function report(member: Member): Promise<Static<typeof GatewayReport>> {
  const { gatewayId, environment, address } = member
  try {
    const [upstreams, violations] = await Promise.all([
      read(`${address}/upstreams`),
      read(`${address}/violations`),
    ])
    return {
      gatewayId,
      environment,
      upstreams: listIn<UpstreamState>(upstreams, 'upstreams'),
      violations: listIn<ViolationState>(violations, 'items'),
    }
  } catch (error) {
    return {
      gatewayId,
      environment,
      upstreams: [],
      violations: [],
      fault: error instanceof Error ? error.message.slice(0, 200) : 'it did not answer',
    }
  }
}

/** A gateway is ours, and its version may be another one than that of control: what is no list is none. */
function listIn<T>(report: unknown, name: string): T[] {
  if (typeof report !== 'object' || report === null) return []
  const list = (report as Readonly<Record<string, unknown>>)[name]
  return Array.isArray(list) ? (list as T[]) : []
}

/** @returns undefined when the gateway has nothing at this address */
function read(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('error', reject)
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > mostBytes) request.destroy(new Error('its report is too large'))
      })
      response.on('end', () => {
        clearTimeout(timer)
        if (response.statusCode === 404) resolve(undefined)
        else if (response.statusCode !== 200)
          reject(new Error(`it answered ${response.statusCode}`))
        else
          try {
            resolve(JSON.parse(text))
          } catch {
            reject(new Error('its report cannot be read'))
          }
      })
    })
    request.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    const timer = setTimeout(
      () => request.destroy(new Error(`it did not answer within ${askWithinMs} ms`)),
      askWithinMs,
    )
  })
}
