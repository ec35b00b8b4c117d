import type { Log } from '#platform/log'
import type { ApiEntry, ContractEntry, RateLimit } from '#snapshot'
import { ContractQuota } from './contract-quota.ts'
import { RateWindow } from './rate-window.ts'
import type { QuotaLedger } from './store.ts'

const idleMs = 60_000
const sweepEveryMs = 10_000

/** What one contract has used of its limits in this process, shared by all its applications. */
export class ContractUse {
  contract: ContractEntry
  windows: RateWindow[]
  quota: ContractQuota | undefined
  /** the RateLimit-Policy field, which changes with the contract only */
  policy: string
  lastUsedMs = 0
  /** windows that an API sets for each contract on its own, by API */
  #ofApi = new Map<string, { rate: readonly RateLimit[]; windows: RateWindow[] }>()

  constructor(contract: ContractEntry, quota: ContractQuota | undefined) {
    this.contract = contract
    this.windows = adjusted([], contract.rate)
    this.quota = quota
    this.policy = policyOf(contract)
  }

  /** A changed contract keeps what was used: a new plan is no way around the old one's window. */
  update(contract: ContractEntry): void {
    this.windows = adjusted(this.windows, contract.rate)
    this.contract = contract
    this.policy = policyOf(contract)
  }

  /**
   * Takes a place in each window of the contract, and of the API where it sets its own.
   * @returns milliseconds to wait when a window is full: then no place is taken in any; otherwise 0
   */
  takeRate(nowMs: number, api: ApiEntry): number {
    const ofApi = api.rate === undefined ? none : this.#windowsOf(api.id, api.rate)
    const waitMs = Math.max(waitOf(this.windows, nowMs), waitOf(ofApi, nowMs))
    if (waitMs > 0) return waitMs
    for (const window of this.windows) window.take(nowMs)
    for (const window of ofApi) window.take(nowMs)
    return 0
  }

  idle(nowMs: number): boolean {
    const all = [this.windows, ...[...this.#ofApi.values()].map((own) => own.windows)]
    return all.every((windows) => windows.every((window) => window.idle(nowMs)))
  }

  #windowsOf(apiId: string, rate: readonly RateLimit[]): readonly RateWindow[] {
    const known = this.#ofApi.get(apiId)
    if (known?.rate === rate) return known.windows
    const windows = adjusted(known?.windows ?? [], rate)
    this.#ofApi.set(apiId, { rate, windows })
    return windows
  }

  /** The RateLimit field (draft-ietf-httpapi-ratelimit-headers): what is left, and until when in seconds. */
  remainder(monotonicMs: number, wallMs: number): string {
    let text = ''
    for (const window of this.windows) {
      const left = window.remaining(monotonicMs)
      text += `${text === '' ? '' : ', '}"${window.windowMs / 1_000}s";r=${left};t=${Math.ceil(window.untilNextMs(monotonicMs) / 1_000)}`
    }
    const { quota } = this
    if (quota === undefined) return text
    return `${text}${text === '' ? '' : ', '}"quota";r=${quota.remaining(wallMs)};t=${Math.ceil(quota.untilResetMs(wallMs) / 1_000)}`
  }
}

const none: readonly RateWindow[] = []

const waitOf = (windows: readonly RateWindow[], nowMs: number): number => {
  let waitMs = 0
  for (const window of windows) {
    if (window.remaining(nowMs) === 0) waitMs = Math.max(waitMs, window.untilNextMs(nowMs), 1)
  }
  return waitMs
}

/** The windows that these rates ask for; one that was there keeps what was admitted. */
const adjusted = (before: readonly RateWindow[], rates: readonly RateLimit[]): RateWindow[] =>
  rates.map((rate) => {
    const window = before.find((w) => w.windowMs === rate.windowSeconds * 1_000)
    if (window === undefined) return new RateWindow(rate.limit, rate.windowSeconds * 1_000)
    window.limit = rate.limit
    return window
  })

function policyOf(contract: ContractEntry): string {
  const policies = contract.rate.map(
    (r) => `"${r.windowSeconds}s";q=${r.limit};w=${r.windowSeconds}`,
  )
  const { quota } = contract
  if (quota !== undefined) {
    const windowSeconds = quota.period === 'day' ? 86_400 : 2_592_000
    policies.push(`"quota";q=${quota.limit};w=${windowSeconds}`)
  }
  return policies.join(', ')
}

/** The limits of the contracts that were used lately; an idle one is forgotten and its leased quota given back. */
export class ContractLimits {
  #uses = new Map<string, ContractUse>()
  #ledger: QuotaLedger
  #log: Log
  #sweeper: NodeJS.Timeout

  constructor(ledger: QuotaLedger, log: Log, monotonicMs: () => number) {
    this.#ledger = ledger
    this.#log = log
    this.#sweeper = setInterval(() => this.#sweep(monotonicMs()), sweepEveryMs)
    this.#sweeper.unref()
  }

  of(contract: ContractEntry, wallMs: number, monotonicMs: number): ContractUse {
    let use = this.#uses.get(contract.id)
    if (use === undefined) {
      use = new ContractUse(contract, this.#quotaOf(contract, wallMs))
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

  async stop(): Promise<void> {
    clearInterval(this.#sweeper)
    const open = [...this.#uses.values()].map((use) => use.quota?.close())
    this.#uses.clear()
    await Promise.allSettled(open)
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
      this.#close(use.quota)
    }
  }

  #close(quota: ContractQuota | undefined): void {
    quota?.close().catch((error: unknown) => {
      this.#log.warn({ err: error }, 'a quota lease could not be given back; it is lost')
    })
  }
}
