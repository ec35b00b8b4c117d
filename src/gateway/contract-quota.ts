import type { Log } from '#platform/log'
import type { ContractEntry } from '#snapshot'
import { type QuotaPeriod, quotaPeriod } from './quota-period.ts'
import type { QuotaLedger } from './store.ts'

export type QuotaAnswer = 'granted' | 'exhausted' | 'unavailable'
/** A unit that was granted, to be given back when the call comes to nothing. */
export type QuotaUnit = { period: QuotaPeriod }

const largestBlock = 1_000
/** a gateway holds at most this part of a quota ahead of its calls */
const blockPart = 50
const retryMs = 500
const askAgainMs = 1_000

/**
 * One contract's quota in this process: a block leased from the ledger, counted down call by call, renewed before it is
 * used up. Blocks grow with demand up to 1/50 of the quota (at most 1 000) and shrink towards its end, so two gateways
 * never admit more than the quota together, and admit less by at most the blocks that a killed one took with it.
 */
export class ContractQuota {
  #contract: ContractEntry
  #ledger: QuotaLedger
  #log: Log
  #period: QuotaPeriod
  #available = 0
  /** leased by all gateways in this period, as of the last lease; undefined before the first */
  #leased: number | undefined
  #block = 1
  #leasing: Promise<void> | undefined
  #waiting: ((answer: QuotaAnswer) => void)[] = []
  #askAfterMs = 0
  #failed = false
  #lastLeaseMs = 0
  /** what a free contract used while the ledger was away, owed to it */
  #owed = 0
  lastUsedMs: number

  constructor(contract: ContractEntry, ledger: QuotaLedger, log: Log, nowMs: number) {
    this.#contract = contract
    this.#ledger = ledger
    this.#log = log
    this.#period = periodOf(contract, nowMs)
    this.lastUsedMs = nowMs
  }

  update(contract: ContractEntry, nowMs: number): void {
    if (contract === this.#contract) return
    this.#contract = contract
    this.#askAfterMs = 0
    const period = periodOf(contract, nowMs)
    if (period.name !== this.#period.name) this.#turn(period)
    else this.#period = period
  }

  get limit(): number {
    return this.#contract.quota?.limit ?? 0
  }

  /** Takes one unit of what is leased. @returns 'ask' when only the ledger knows: then `ask` answers */
  take(nowMs: number): QuotaAnswer | 'ask' {
    this.lastUsedMs = nowMs
    if (nowMs >= this.#period.endMs) this.#turn(periodOf(this.#contract, nowMs))
    if (this.#available > 0 && this.#waiting.length === 0) {
      this.#available -= 1
      if (this.#available * 2 < this.#block) this.#lease(nowMs)
      return 'granted'
    }
    if (this.#failed) {
      // One asks the ledger in the background; nobody waits for it.
      this.#lease(nowMs)
      return this.#withoutLedger()
    }
    return nowMs < this.#askAfterMs ? 'exhausted' : 'ask'
  }

  /** Waits for the ledger; answered in the order of the questions. */
  ask(nowMs: number, later: (answer: QuotaAnswer) => void): void {
    this.#waiting.push(later)
    this.#lease(nowMs)
  }

  unit(): QuotaUnit {
    return { period: this.#period }
  }

  giveBack(unit: QuotaUnit): void {
    if (unit.period.name !== this.#period.name) return
    if (this.#owed > 0) this.#owed -= 1
    else this.#available += 1
    this.#askAfterMs = 0
  }

  /** What is left for this process to know of: all of it when it is the only one. */
  remaining(nowMs: number): number {
    if (nowMs >= this.#period.endMs) return this.limit
    const left = this.limit - (this.#leased ?? 0) + this.#available - this.#owed
    return Math.max(0, Math.min(this.limit, left))
  }

  untilResetMs(nowMs: number): number {
    return nowMs >= this.#period.endMs ? 0 : this.#period.endMs - nowMs
  }

  /** Returns the unused part of the block; what the ledger does not confirm is lost, never used twice. */
  async close(): Promise<void> {
    await this.#leasing
    const unused = this.#available
    this.#available = 0
    if (unused === 0) return
    await this.#ledger.lease(this.#contract.id, this.#period.name, this.limit, -unused)
  }

  #turn(period: QuotaPeriod): void {
    this.#period = period
    this.#available = 0
    this.#leased = undefined
    this.#owed = 0
    this.#askAfterMs = 0
    this.#block = 1
  }

  /** A free contract goes on within its quota as this process knows it: no money depends on it. A paid one stops. */
  #withoutLedger(): QuotaAnswer {
    if (this.#contract.tier !== 'free') return 'unavailable'
    if ((this.#leased ?? 0) + this.#owed >= this.limit) return 'exhausted'
    this.#owed += 1
    return 'granted'
  }

  #lease(nowMs: number): void {
    if (this.#leasing !== undefined || nowMs < this.#askAfterMs) return
    const left = this.limit - (this.#leased ?? 0)
    if (this.#leased !== undefined && left <= 0 && this.#waiting.length === 0) return
    const largest = Math.max(1, Math.min(largestBlock, Math.ceil(this.limit / blockPart)))
    const hurried = nowMs - this.#lastLeaseMs < 1_000
    this.#block = Math.min(largest, hurried ? this.#block * 2 : Math.ceil(this.#block / 2))
    this.#lastLeaseMs = nowMs
    // Near the end the blocks become single calls: what one gateway holds back, another cannot use.
    const ahead = this.#leased === undefined ? 1 : Math.min(this.#block, Math.ceil(left / 4))
    const amount = Math.max(1, ahead, this.#waiting.length) + this.#owed
    const { name } = this.#period
    this.#leasing = this.#ledger.lease(this.#contract.id, name, this.limit, amount).then(
      ({ granted, used }) => {
        this.#leasing = undefined
        if (name !== this.#period.name) this.#answer(nowMs)
        else this.#received(granted, used, nowMs)
      },
      (error: unknown) => {
        this.#leasing = undefined
        this.#lost(error, nowMs)
      },
    )
  }

  #received(granted: number, used: number, nowMs: number): void {
    if (this.#failed) this.#log.info({ contract: this.#contract.id }, 'the quota ledger is back')
    this.#failed = false
    this.#leased = used
    const settled = Math.min(this.#owed, granted)
    this.#owed -= settled
    this.#available += granted - settled
    if (granted === 0) {
      this.#owed = 0
      this.#askAfterMs = nowMs + askAgainMs
    }
    this.#answer(nowMs)
  }

  /** Serves those who wait; when some are left although something was granted, asks once more. */
  #answer(nowMs: number): void {
    while (this.#available > 0) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#available -= 1
      next('granted')
    }
    if (this.#waiting.length === 0) return
    if (nowMs >= this.#askAfterMs) this.#lease(nowMs)
    else for (const next of this.#waiting.splice(0)) next('exhausted')
  }

  #lost(error: unknown, nowMs: number): void {
    if (!this.#failed) this.#log.warn({ err: error }, 'the quota ledger does not answer')
    this.#failed = true
    this.#askAfterMs = nowMs + retryMs
    for (const next of this.#waiting.splice(0)) next(this.#withoutLedger())
  }
}

function periodOf(contract: ContractEntry, nowMs: number): QuotaPeriod {
  const period = contract.quota?.period ?? 'month'
  try {
    return quotaPeriod(period, contract.timeZone, nowMs)
  } catch {
    // An unknown time zone must not lift the limit.
    return quotaPeriod(period, 'UTC', nowMs)
  }
}
