import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import type { Log } from '#platform/log'

/** fewer are believed after so long: processes that are restarted come back */
const fewerAfterMs = 60_000

/**
 * How many processes share the limits of an environment, kept over restarts: one that starts while the limit store is
 * away must not take itself for the only one.
 * @public
 */
export class KeptMembers {
  /** there are at least so many, as far as it can be known before the store has answered */
  readonly least: number
  #file: string
  #count: (() => Promise<number>) | undefined
  #log: Log
  #kept: number
  #reachedMs = Number.NEGATIVE_INFINITY
  #written: Promise<void> = Promise.resolve()

  /**
   * @param options.file in the gateway's folder; all its workers write the same number there
   * @param options.workers of this gateway
   * @param options.count asks somebody else than the limit store; may fail
   */
  constructor({
    file,
    workers,
    count,
    log,
  }: {
    file: string
    workers: number
    count?: (() => Promise<number>) | undefined
    log: Log
  }) {
    this.#file = file
    this.#count = count
    this.#log = log
    this.#kept = read(file)
    this.least = Math.max(1, workers, this.#kept)
  }

  /** The store has answered that there are so many. */
  tell(members: number, nowMs: number): void {
    const first = this.#reachedMs === Number.NEGATIVE_INFINITY
    if (first || members >= this.#kept) this.#reachedMs = nowMs
    const fewer = members < this.#kept && nowMs - this.#reachedMs >= fewerAfterMs
    if (members <= this.#kept && !fewer) return
    this.#kept = members
    this.#reachedMs = nowMs
    this.#written = this.#written.then(() => this.#write(members))
  }

  /** How many there are as far as somebody else than the store knows; 0 when nobody does. */
  async others(): Promise<number> {
    return (await this.#count?.().catch(() => 0)) ?? 0
  }

  /** Resolves when the file has what was told. */
  async settled(): Promise<void> {
    await this.#written
  }

  async #write(members: number): Promise<void> {
    const temporary = `${this.#file}.${process.pid}`
    try {
      await writeFile(temporary, `${members}\n`, { mode: 0o600, flush: true })
      await rename(temporary, this.#file)
    } catch (error) {
      this.#log.warn(
        { err: error },
        'the number of gateways could not be kept: a restart without the limit store will not know it',
      )
    }
  }
}

function read(file: string): number {
  try {
    const text = readFileSync(file, 'utf8').trim()
    return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0
  } catch {
    // Not there at the first start; and whatever else it is, the gateway has to start.
    return 0
  }
}
