import type { SnapshotEntry, SnapshotKind, SubscriptionEntry } from './schema.ts'

/** far more than there are plans, time zones and sets of limits */
const mostShared = 10_000

/**
 * Entries by kind and id, held once and small: most contracts have the limits of their plan, so what entries have in
 * common is one value for all of them. With fifty thousand applications that is half of the memory, and of what a
 * collector of garbage has to walk through.
 */
export class HeldEntries {
  #kinds = new Map<SnapshotKind, Map<string, SnapshotEntry>>()
  #texts = new Map<string, string>()
  #parts = new Map<string, object>()

  /** Takes an entry over that nobody else holds: parts of it are replaced by equal ones. */
  put(kind: SnapshotKind, id: string, entry: SnapshotEntry): void {
    this.#slim(entry)
    this.#of(kind).set(entry.id === id ? entry.id : id, entry)
  }

  delete(kind: SnapshotKind, id: string): void {
    this.#kinds.get(kind)?.delete(id)
  }

  *values(): Generator<SnapshotEntry> {
    for (const held of this.#kinds.values()) yield* held.values()
  }

  #of(kind: SnapshotKind): Map<string, SnapshotEntry> {
    let held = this.#kinds.get(kind)
    if (held === undefined) {
      held = new Map()
      this.#kinds.set(kind, held)
    }
    return held
  }

  #slim(entry: SnapshotEntry): void {
    switch (entry.kind) {
      case 'application':
        if (entry.apiKeys?.length === 0) entry.apiKeys = none
        if (entry.certificates?.length === 0) entry.certificates = none
        return
      case 'contract':
        entry.planId = this.#text(entry.planId)
        entry.timeZone = this.#text(entry.timeZone)
        entry.rate = this.#part(entry.rate)
        if (entry.quota !== undefined) entry.quota = this.#part(entry.quota)
        if (entry.spike !== undefined) entry.spike = this.#part(entry.spike)
        if (entry.masks !== undefined) entry.masks = this.#part(entry.masks)
        return
      case 'subscription':
        this.#slimSubscription(entry)
        return
      case 'api':
      case 'plan':
      case 'key':
      case 'revocation':
        return
    }
  }

  #slimSubscription(entry: SubscriptionEntry): void {
    entry.apiId = this.#text(entry.apiId)
    const { applicationId, contractId } = entry
    entry.applicationId = this.#kinds.get('application')?.get(applicationId)?.id ?? applicationId
    entry.contractId = this.#kinds.get('contract')?.get(contractId)?.id ?? contractId
  }

  #text(text: string): string {
    return known(this.#texts, text, text)
  }

  /** Nobody changes an entry, so equal parts may be the same. */
  #part<T extends object>(part: T): T {
    return known(this.#parts, JSON.stringify(part), part) as T
  }
}

function known<T>(shared: Map<string, T>, text: string, value: T): T {
  const same = shared.get(text)
  if (same !== undefined) return same
  if (shared.size >= mostShared) shared.clear()
  shared.set(text, value)
  return value
}

const none: readonly never[] = []
