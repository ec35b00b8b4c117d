import type { Log } from '#platform/log'
import type { ContractEntry } from '#snapshot'
import { ContractQuota } from './contract-quota.ts'
import { ContractUse } from './contract-use.ts'
import type { LimitNode } from './limit-node.ts'
import type { QuotaLedger } from './quota-ledger.ts'

const idleMs = 60_000
const sweepEveryMs = 10_000

/**
 * The limits of the contracts that were used lately; an idle one is forgotten and its leased quota given back.
 * @public
 */
export class ContractLimits {
  readonly node: LimitNode
  #uses = new Map<string, ContractUse>()
  #ledger: QuotaLedger
  #log: Log
  #sweeper: NodeJS.Timeout

  constructor(ledger: QuotaLedger, node: LimitNode, log: Log, monotonicMs: () => number) {
    this.node = node
    this.#ledger = ledger
    this.#log = log
    this.#sweeper = setInterval(() => this.#sweep(monotonicMs()), sweepEveryMs)
    this.#sweeper.unref()
  }

  of(contract: ContractEntry, wallMs: number, monotonicMs: number): ContractUse {
    let use = this.#uses.get(contract.id)
    if (use === undefined) {
      use = new ContractUse(contract, this.#quotaOf(contract, wallMs), this.node)
      this.#uses.set(contract.id, use)
    } else if (use.contract !== contract) {
      use.update(contract)
      if (contract.quota === undefined) {
        this.#close(use.quota)
        use.quota = undefined
      } else if (use.quota === undefined) use.quota = this.#quotaOf(contract, wallMs)
      else use.quota.update(contract, wallMs)
    }
    use.lastUsedMs = monotonicMs
    return use
  }

  get size(): number {
    return this.#uses.size
  }

  async start(): Promise<void> {
    await this.node.start()
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeper)
    const open = [...this.#uses.values()].map((use) => use.quota?.close())
    this.#uses.clear()
    await Promise.allSettled([...open, this.node.stop()])
  }

  #quotaOf(contract: ContractEntry, wallMs: number): ContractQuota | undefined {
    if (contract.quota === undefined) return undefined
    return new ContractQuota(contract, this.#ledger, this.#log, wallMs)
  }

  #sweep(monotonicMs: number): void {
    for (const [id, use] of this.#uses) {
      if (monotonicMs - use.lastUsedMs < idleMs) continue
      if (!use.idle(monotonicMs)) continue
      this.#uses.delete(id)
      this.node.forget(use)
      this.#close(use.quota)
    }
  }

  #close(quota: ContractQuota | undefined): void {
    quota?.close().catch((error: unknown) => {
      this.#log.warn({ err: error }, 'a quota lease could not be given back; it is lost')
    })
  }
}
