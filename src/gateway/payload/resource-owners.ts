import type { Sealing } from '#platform/sealing'
import type { Owner, PayloadStore } from './payload-store.ts'

const mostRemembered = 50_000

/**
 * Who made what, as this process knows it: ownership never changes, so what was seen once is known without the database.
 * Bounded by two generations.
 * @public
 */
export class ResourceOwners {
  #store: PayloadStore
  #sealing: Sealing
  #young = new Map<string, Owner>()
  #old = new Map<string, Owner>()

  constructor(store: PayloadStore, sealing: Sealing) {
    this.#store = store
    this.#sealing = sealing
  }

  /** The hash under which a thing is known; its id may be a number or a name of somebody. */
  hashOf(resource: string, id: string): string {
    return this.#sealing.keyedHash('resource', `${resource}\n${id}`)
  }

  /** Whether this process knows that a thing is a caller's; false says nothing. */
  isKnownOf(idHash: string, caller: Owner): boolean {
    const owner = this.#young.get(idHash) ?? this.#old.get(idHash)
    if (owner === undefined || !belongs(owner, caller)) return false
    if (!this.#young.has(idHash)) this.#remember(idHash, owner)
    return true
  }

  /** @returns false when the thing is somebody else's */
  async own(resource: string, idHash: string, owner: Owner): Promise<boolean> {
    const owned = await this.#store.own(resource, idHash, owner)
    if (owned) this.#remember(idHash, owner)
    return owned
  }

  /** Which of these are a caller's. */
  async ofCaller(
    resource: string,
    idHashes: readonly string[],
    caller: Owner,
  ): Promise<ReadonlySet<string>> {
    const own = new Set(idHashes.filter((hash) => this.isKnownOf(hash, caller)))
    const asked = idHashes.filter((hash) => !own.has(hash))
    if (asked.length === 0) return own
    for (const [hash, owner] of await this.#store.ownersOf(resource, asked)) {
      if (!belongs(owner, caller)) continue
      this.#remember(hash, owner)
      own.add(hash)
    }
    return own
  }

  count(resource: string, caller: Owner): Promise<number> {
    return this.#store.countOwned(resource, caller)
  }

  reachable(): Promise<void> {
    return this.#store.reachable()
  }

  #remember(idHash: string, owner: Owner): void {
    if (this.#young.size >= mostRemembered / 2) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(idHash, owner)
  }
}

/** The same application, and with a 3-legged token the same subscriber (CAMARA Commonalities, resource isolation). */
const belongs = (owner: Owner, caller: Owner): boolean =>
  owner.applicationId === caller.applicationId &&
  (caller.subject === undefined || owner.subject === caller.subject)
