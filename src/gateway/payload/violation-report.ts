import type { Operation } from '../operation.ts'
import type { BrokenRule } from './broken-rules.ts'

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
  /** the rule that is broken: a keyword of JSON Schema, `undeclared` for a field that the document does not have, or
   * `status`, `media-type`, `body`, `json`, `error-model`, `error-code`, `resource-id`, `resource-owner`, `reserved` */
  keyword: string
  /** where that rule is in the published document, such as `#/components/schemas/Parcel/properties/weight/type`; empty
   * for a rule that is in none */
  schemaPath: string
  /** what is wrong, in words: the field `weight` must be a number */
  message: string
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
/** of the names of undeclared fields at one place: an upstream may have a new one in each answer */
const mostFields = 20

/**
 * How upstreams depart from their documents, for the owners of the APIs: each way once, with how often and since when.
 * Bounded: beyond a thousand ways the one that was seen longest ago is forgotten.
 * @public
 */
export class ViolationReport {
  #kept = new Map<string, Kept>()
  /** which fields are told of by name, by place */
  #fields = new Map<string, Set<string>>()
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
    broken: readonly BrokenRule[],
  ): void {
    const seen = new Set<string>()
    for (const rule of broken) {
      const place = `${operation.name} ${status} ${action} ${rule.keyword} ${rule.schemaPath}`
      const named = this.#mayName(place, rule.field)
      const key = named ? `${place} ${rule.field ?? ''}` : `${place} *`
      if (seen.has(key)) continue
      seen.add(key)
      const { keyword, schemaPath } = rule
      const message = named
        ? rule.message
        : `further fields are ${rule.keyword === 'required' ? 'missing' : 'not declared'}`
      this.#note(key, operation, { status, keyword, schemaPath, message, action })
      if (seen.size === mostOfOneAnswer) return
    }
  }

  #mayName(place: string, field: string | undefined): boolean {
    if (field === undefined) return true
    const known = this.#fields.get(place) ?? new Set<string>()
    if (known.has(field)) return true
    if (known.size >= mostFields) return false
    if (this.#fields.size >= mostKept) this.#fields.clear()
    this.#fields.set(place, known.add(field))
    return true
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
    found: Pick<ResponseViolation, 'status' | 'keyword' | 'schemaPath' | 'message' | 'action'>,
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
