import type { Operation } from '../operation.ts'

/** What was done about an answer of an upstream that its document does not allow. */
export type ViolationAction = 'passed' | 'stripped' | 'refused'

/**
 * One way in which an upstream departs from its document. No value of any answer is in it.
 * @public
 */
export type ResponseViolation = {
  api: string
  operation: string
  owner: { team: string; contact: string }
  status: number
  /** the rule that is broken: a keyword of JSON Schema, or `status`, `media-type`, `json`, `error-model`, `resource-id`,
   * `resource-owner` */
  keyword: string
  /** where that rule is in the document's schemas; empty for a rule that is in none */
  schemaPath: string
  action: ViolationAction
  count: number
  /** RFC 3339 */
  firstSeenAt: string
  lastSeenAt: string
}

type Kept = Omit<ResponseViolation, 'firstSeenAt' | 'lastSeenAt'> & {
  firstMs: number
  lastMs: number
}

const mostKept = 1_000
const mostOfOneAnswer = 20

/**
 * How upstreams depart from their documents, for the owners of the APIs: each way once, with how often and since when.
 * Bounded: beyond a thousand ways the one that was seen longest ago is forgotten.
 * @public
 */
export class ViolationReport {
  #kept = new Map<string, Kept>()
  #nowMs: () => number
  #count: (api: string, operation: string, keyword: string, action: ViolationAction) => void

  constructor(
    nowMs: () => number,
    count: (api: string, operation: string, keyword: string, action: ViolationAction) => void,
  ) {
    this.#nowMs = nowMs
    this.#count = count
  }

  /** Notes each rule that one answer breaks, once. */
  add(
    operation: Operation,
    status: number,
    action: ViolationAction,
    broken: readonly { keyword: string; schemaPath: string }[],
  ): void {
    const seen = new Set<string>()
    for (const { keyword, schemaPath } of broken) {
      const place = plainPath(schemaPath)
      const key = `${operation.name} ${status} ${action} ${keyword} ${place}`
      if (seen.has(key)) continue
      seen.add(key)
      this.#note(key, operation, { status, keyword, schemaPath: place, action })
      if (seen.size === mostOfOneAnswer) return
    }
  }

  /** Newest first. */
  list(): ResponseViolation[] {
    return [...this.#kept.values()]
      .toSorted((a, b) => b.lastMs - a.lastMs)
      .map(({ firstMs, lastMs, ...rest }) => ({
        ...rest,
        firstSeenAt: new Date(firstMs).toISOString(),
        lastSeenAt: new Date(lastMs).toISOString(),
      }))
  }

  #note(
    key: string,
    { api, documented }: Operation,
    found: Pick<ResponseViolation, 'status' | 'keyword' | 'schemaPath' | 'action'>,
  ): void {
    const nowMs = this.#nowMs()
    this.#count(api.id, documented.operationId, found.keyword, found.action)
    const known = this.#kept.get(key)
    // Taken out and put back: the first of the map is the one that was seen longest ago.
    this.#kept.delete(key)
    if (known !== undefined) {
      known.count += 1
      known.lastMs = nowMs
      this.#kept.set(key, known)
      return
    }
    if (this.#kept.size >= mostKept) {
      const [oldest] = this.#kept.keys()
      if (oldest !== undefined) this.#kept.delete(oldest)
    }
    this.#kept.set(key, {
      api: api.id,
      operation: documented.operationId,
      owner: api.owner,
      ...found,
      count: 1,
      firstMs: nowMs,
      lastMs: nowMs,
    })
  }
}

/** The place as the document has it, without the names that its compiled variants have here. */
const plainPath = (schemaPath: string): string =>
  schemaPath
    .replace(/^wayleave:api/, '')
    .replaceAll(/\/\$defs\/(?:open|published):/g, '/$defs/')
    .slice(0, 300)
