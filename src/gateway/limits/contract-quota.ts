import type { Log } from '#platform/log'
import type { ContractEntry } from '#snapshot'
import type { QuotaLedger } from './quota-ledger.ts'
import { type QuotaPeriod, quotaPeriod } from './quota-period.ts'

/** @public */
export type QuotaAnswer = 'granted' | 'exhausted' | 'unavailable'
/**
 * What was granted to a call, to be given back when it comes to nothing.
 * @public
 */
export type QuotaUnit = { period: QuotaPeriod; weight: number }
type Waiting = { weight: number; later: (answer: QuotaAnswer) => void }

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
  #waiting: Waiting[] = []
  #askAfterMs = 0
  /** until then the ledger is not asked for so much or more */
  #emptyFor = 1
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

  /**
   * Takes `weight` of what is leased, whole or not at all.
   * @returns 'ask' when only the ledger knows: then `ask` answers
   */
  take(nowMs: number, weight = 1): QuotaAnswer | 'ask' {
    this.lastUsedMs = nowMs
    if (nowMs >= this.#period.endMs) this.#turn(periodOf(this.#contract, nowMs))
    if (this.#available >= weight && this.#waiting.length === 0) {
      this.#available -= weight
      if (this.#available * 2 < this.#block) this.#lease(nowMs)
      return 'granted'
    }
    if (this.#failed) {
      // One asks the ledger in the background; nobody waits for it.
      this.#lease(nowMs)
      return this.#withoutLedger(weight)
    }
    return this.#isEmpty(nowMs, weight) ? 'exhausted' : 'ask'
  }

  /** Waits for the ledger; answered in the order of the questions. */
  ask(nowMs: number, later: (answer: QuotaAnswer) => void, weight = 1): void {
    this.#waiting.push({ weight, later })
    this.#lease(nowMs)
  }

  unit(weight = 1): QuotaUnit {
    return { period: this.#period, weight }
  }

  giveBack(unit: QuotaUnit): void {
    if (unit.period.name !== this.#period.name) return
    const settled = Math.min(this.#owed, unit.weight)
    this.#owed -= settled
    this.#available += unit.weight - settled
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
    await this.#ledger.lease(this.#contract.id, this.#period.name, this.limit, -unused, 0)
  }

  #isEmpty(nowMs: number, weight: number): boolean {
    return nowMs < this.#askAfterMs && weight >= this.#emptyFor
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
  #withoutLedger(weight: number): QuotaAnswer {
    if (this.#contract.tier !== 'free') return 'unavailable'
    if ((this.#leased ?? 0) + this.#owed + weight > this.limit) return 'exhausted'
    this.#owed += weight
    return 'granted'
  }

  #lease(nowMs: number): void {
    const [first] = this.#waiting
    if (this.#leasing !== undefined) return
    if (nowMs < this.#askAfterMs && (this.#failed || (first?.weight ?? 1) >= this.#emptyFor)) return
    const left = this.limit - (this.#leased ?? 0)
    if (this.#leased !== undefined && left <= 0 && this.#waiting.length === 0) return
    const largest = Math.max(1, Math.min(largestBlock, Math.ceil(this.limit / blockPart)))
    const hurried = nowMs - this.#lastLeaseMs < 1_000
    this.#block = Math.min(largest, hurried ? this.#block * 2 : Math.ceil(this.#block / 2))
    this.#lastLeaseMs = nowMs
    // Near the end the blocks become single calls: what one gateway holds back, another cannot use.
    const ahead = this.#leased === undefined ? 1 : Math.min(this.#block, Math.ceil(left / 4))
    const waiting = this.#waiting.reduce((sum, { weight }) => sum + weight, 0)
    const amount = Math.max(1, ahead, waiting - this.#available) + this.#owed
    // Less than the first one needs is of no use to it, and may be to another gateway.
    const least = this.#owed > 0 ? 1 : Math.max(1, (first?.weight ?? 1) - this.#available)
    const { name } = this.#period
    this.#leasing = this.#ledger.lease(this.#contract.id, name, this.limit, amount, least).then(
      ({ granted, used }) => {
        this.#leasing = undefined
        if (name !== this.#period.name) this.#answer(nowMs)
        else this.#received(granted, used, least, nowMs)
      },
      (error: unknown) => {
        this.#leasing = undefined
        this.#lost(error, nowMs)
      },
    )
  }

  #received(granted: number, used: number, least: number, nowMs: number): void {
    if (this.#failed) this.#log.info({ contract: this.#contract.id }, 'the quota ledger is back')
    this.#failed = false
    this.#leased = used
    const settled = Math.min(this.#owed, granted)
    this.#owed -= settled
    this.#available += granted - settled
    if (granted === 0) {
      this.#owed = 0
      this.#askAfterMs = nowMs + askAgainMs
      this.#emptyFor = least + this.#available
    }
    this.#answer(nowMs)
  }

  /** Serves those who wait; when some are left although something was granted, asks once more. */
  #answer(nowMs: number): void {
    let refused = false
    for (const next of this.#waiting.splice(0)) {
      if (next.weight <= this.#available) {
        this.#available -= next.weight
        next.later('granted')
      } else if (this.#isEmpty(nowMs, next.weight)) {
        refused = true
        next.later('exhausted')
      } else this.#waiting.push(next)
    }
    if (this.#waiting.length > 0) this.#lease(nowMs)
    else if (refused && this.#available > 0) this.#returnRest()
  }

  /** Too little for a call here: together with what others hold it may be enough. */
  #returnRest(): void {
    this.close().catch((error: unknown) => {
      this.#log.warn({ err: error }, 'a rest of a quota could not be given back; it is lost')
    })
  }

  #lost(error: unknown, nowMs: number): void {
    if (!this.#failed) this.#log.warn({ err: error }, 'the quota ledger does not answer')
    this.#failed = true
    this.#askAfterMs = nowMs + retryMs
    for (const { weight, later } of this.#waiting.splice(0)) later(this.#withoutLedger(weight))
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
