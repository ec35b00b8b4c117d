import type { Environment } from '#platform/config'
import type { DatabasePool } from '#platform/database'
import { queryWithin } from '../payload/query-within.ts'

/**
 * Where all gateways of an environment together see to it that a proof is used once.
 * @public
 */
export interface ProofLedger {
  /**
   * Claims a proof by its key (43 characters of base64url).
   * @returns whether nobody had claimed it before
   * @throws when that cannot be told
   */
  claim(proof: string): Promise<boolean>
}

const answerWithinMs = 1_000
const mostAtOnce = 500
const mostWaiting = 5_000
const sweepAfterMs = 300_000

type Waiting = { proof: string; resolve: (first: boolean) => void; reject: (error: Error) => void }

/**
 * The ledger in PostgreSQL. Claims of one turn of the event loop go together; while a question is under way the next ones
 * collect, so that a load of proofs costs few round trips. A claim whose answer does not come in time has failed, whatever
 * became of it: the client makes a new proof. While the last answer was a failure one question at a time is asked; the
 * others fail at once.
 * @param database with the role of this environment's gateway
 * @public
 */
export function createProofLedger(database: DatabasePool, environment: Environment): ProofLedger {
  const statement = {
    name: `claim-${environment}-proofs`,
    text: `select proof from gateway.claim_${environment}_proofs($1::text[]) as proof`,
  }
  const waiting: Waiting[] = []
  let scheduled = false
  let running = 0
  let failing = false
  let sweep: NodeJS.Timeout | undefined

  const ask = async (proofs: readonly string[]): Promise<Set<string>> => {
    const { rows } = await queryWithin<{ proof: string }>(
      database.pool,
      { ...statement, values: [proofs] },
      answerWithinMs,
    )
    return new Set(rows.map((row) => row.proof))
  }

  const send = async (batch: readonly Waiting[]): Promise<void> => {
    running += 1
    try {
      const claimed = await ask([...new Set(batch.map(({ proof }) => proof))])
      failing = false
      // Of two of one batch the first has it.
      for (const { proof, resolve } of batch) resolve(claimed.delete(proof))
    } catch (cause) {
      failing = true
      for (const { reject } of batch) reject(new Error('proofs cannot be claimed', { cause }))
    } finally {
      running -= 1
      schedule()
    }
  }

  const flush = (): void => {
    scheduled = false
    if (running >= 2) return
    const batch = waiting.splice(0, mostAtOnce)
    if (batch.length > 0) void send(batch)
    if (waiting.length > 0) schedule()
  }
  const schedule = (): void => {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    setImmediate(flush)
  }

  return {
    claim(proof) {
      if ((failing && running > 0) || waiting.length >= mostWaiting)
        return Promise.reject(new Error('the ledger of proofs does not answer'))
      // Each call sweeps what is over; the last proofs of a busy time are swept a while after it.
      if (sweep === undefined)
        sweep = setTimeout(() => {
          sweep = undefined
          void ask([]).catch(() => undefined)
        }, sweepAfterMs).unref()
      return new Promise((resolve, reject) => {
        waiting.push({ proof, resolve, reject })
        schedule()
      })
    },
  }
}

const generationMs = 90_000
const mostRemembered = 200_000

/**
 * What this process has seen: a proof that was used here is refused without asking anybody. It forgets none within the
 * time that a proof can be used in, which is shorter than a generation, unless there are too many to remember: then the
 * ledger alone knows.
 */
export class ProofMemory {
  #young = new Set<string>()
  #old = new Set<string>()
  #bornMs = Number.NEGATIVE_INFINITY

  has(proof: string): boolean {
    return this.#young.has(proof) || this.#old.has(proof)
  }

  /** @returns whether it was not there */
  add(proof: string, monotonicMs: number): boolean {
    if (monotonicMs - this.#bornMs >= generationMs || this.#young.size >= mostRemembered) {
      this.#old = this.#young
      this.#young = new Set()
      this.#bornMs = monotonicMs
    }
    if (this.has(proof)) return false
    this.#young.add(proof)
    return true
  }
}
