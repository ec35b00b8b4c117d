import { type ChildProcess, fork } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { testFolder } from '#platform/testing-folder'
import type { ContractEntry } from '#snapshot'
import type { testUpstream } from '../testing.ts'
import type { ProcessReady, ProcessSettings } from '../testing-process.ts'

type Context = Parameters<typeof testUpstream>[0]
const entry = fileURLToPath(new URL('../testing-process.ts', import.meta.url))
const applications = 5

/**
 * One gateway process of a cluster, and what its clients saw.
 * @public
 */
export class Member {
  readonly child: ChildProcess
  readonly tokens: readonly string[]
  readonly pool: Pool
  readonly statuses = new Map<number, number>()
  readonly codes = new Map<string, number>()
  /** when each admitted call was answered */
  readonly admittedMs: number[] = []

  constructor(child: ChildProcess, { port, tokens }: ProcessReady) {
    this.child = child
    this.tokens = tokens
    this.pool = new Pool(`http://127.0.0.1:${port}`, { connections: 32 })
  }

  get admitted(): number {
    return this.statuses.get(200) ?? 0
  }

  async call(n: number): Promise<{ status: number; headers: Record<string, unknown> }> {
    const { statusCode, headers, body } = await this.pool.request({
      method: 'POST',
      path: '/sim-swap/v2/check',
      headers: {
        authorization: `Bearer ${this.tokens[n % applications]}`,
        'content-type': 'application/json',
      },
      body: '{"phoneNumber":"+99012345678"}',
    })
    const answer = (await body.json()) as { code?: string }
    this.statuses.set(statusCode, (this.statuses.get(statusCode) ?? 0) + 1)
    if (statusCode === 200) this.admittedMs.push(performance.now())
    if (answer.code !== undefined)
      this.codes.set(answer.code, (this.codes.get(answer.code) ?? 0) + 1)
    return { status: statusCode, headers }
  }

  /**
   * Clients that call one after the other until the time is over or the gateway is gone. One that is refused takes a
   * breath: to be refused as often as a machine can says no more, and leaves no time for anything else on it.
   */
  async hammer(clients: number, endMs: number): Promise<void> {
    const client = async (n: number): Promise<void> => {
      try {
        while (performance.now() < endMs) {
          const { status } = await this.call(n)
          if (status !== 200) await delay(4)
        }
      } catch {
        // Killed: what was admitted is counted by then.
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, n) => client(n)))
  }

  gone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const exit = once(this.child, 'exit')
    this.child.kill(signal)
    await exit
  }
}

export type Cluster = {
  start(): Promise<Member>
  admitted(): number
  members: Member[]
  upstream: Awaited<ReturnType<typeof testUpstream>>
}

/**
 * Gateways that share one contract of five applications.
 * @public
 */
export function cluster(
  t: Context,
  shared: Pick<ProcessSettings, 'limits' | 'databaseUrl' | 'storesWithinMs'>,
  terms: Partial<ContractEntry>,
  upstream: Cluster['upstream'],
): Cluster {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signingKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const members: Member[] = []
  return {
    members,
    upstream,
    admitted: () => members.reduce((sum, member) => sum + member.admitted, 0),
    async start() {
      const settings: ProcessSettings = {
        ...shared,
        upstreamUrl: upstream.url,
        folder: testFolder(t),
        gatewayId: `gtw_${members.length}`,
        applications,
        tokens: applications,
        oneContract: true,
        terms: { tier: 'paid', ...terms },
        sync: 'never',
        signingKey,
      }
      const child = fork(entry, [JSON.stringify(settings)], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      t.after(() => void child.kill('SIGKILL'))
      const [ready] = (await once(child, 'message')) as [ProcessReady]
      const member = new Member(child, ready)
      t.after(() => member.pool.destroy())
      members.push(member)
      return member
    },
  }
}

/** @public */
export const started = async (all: Cluster, count: number): Promise<Member[]> =>
  await Promise.all(Array.from({ length: count }, () => all.start()))
