import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'

/** A gateway as a load balancer knows it: where calls go, and where its readiness is asked. */
export type Node = { url: string; health: string }

export interface SteadyLoad {
  /** answers by status, and failures by their code */
  readonly seen: ReadonlyMap<string, number>
  /** Resolves when every node was asked again and is ready. */
  knowsReady(): Promise<void>
  stop(): Promise<void>
}

/**
 * Keep-alive clients that call one of the nodes that said last that they are ready, as behind a load balancer that asks
 * four times a second. No call is tried twice: one that fails is seen.
 */
export function steadyLoad(options: {
  nodes: readonly Node[]
  token: string
  clients: number
}): SteadyLoad {
  const { nodes, token } = options
  const pools = nodes.map(({ url }) => new Pool(url, { connections: 32, pipelining: 1 }))
  const ready = nodes.map(() => true)
  const seen = new Map<string, number>()
  let running = true
  let rounds = 0
  let stopped: Promise<void> | undefined
  const count = (what: string): void => {
    seen.set(what, (seen.get(what) ?? 0) + 1)
  }
  const askHealth = async (): Promise<void> => {
    while (running) {
      await Promise.all(
        nodes.map(async ({ health }, i) => {
          ready[i] = await fetch(health).then(
            (answer) => answer.ok,
            () => false,
          )
        }),
      )
      rounds += 1
      await delay(250)
    }
  }
  const client = async (start: number): Promise<void> => {
    for (let turn = start; running; turn += 1) {
      const usable = pools.filter((_, i) => ready[i])
      const pool = usable[turn % usable.length]
      if (pool === undefined) {
        count('no gateway is ready')
        await delay(20)
        continue
      }
      try {
        const { statusCode, body } = await pool.request({
          method: 'POST',
          path: '/sim-swap/v2/check',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: '{"phoneNumber":"+99012345678"}',
        })
        await body.dump()
        count(String(statusCode))
      } catch (error) {
        count(error instanceof Error && 'code' in error ? String(error.code) : String(error))
      }
      await delay(8)
    }
  }
  const work = [askHealth(), ...Array.from({ length: options.clients }, (_, i) => client(i))]
  return {
    seen,
    async knowsReady() {
      const before = rounds
      while (rounds < before + 2 || !ready.every(Boolean)) await delay(20)
    },
    stop() {
      running = false
      stopped ??= Promise.all(work).then(async () => {
        await Promise.all(pools.map((pool) => pool.destroy()))
      })
      return stopped
    },
  }
}
