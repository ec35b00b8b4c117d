import type { Sealing } from '#platform/sealing'
import type { Owner, PayloadStore } from './payload-store.ts'

const mostRemembered = 50_000

/** Where a thing is noted. */
type Place = { resource: string; idHash: string }

/**
 * A thing: by its id within what it is a part of, where ids are numbered anew in each; by its id alone; or by both, and
 * then the first says whose it is where it is known.
 * @public
 */
export type ThingKey = { part?: Place; plain?: Place }

/** @public */
export type ThingsKept = Pick<ResourceOwners, 'keyOf' | 'partOf'>

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

  /** Ids are kept as keyed hashes: one may be a number or a name of somebody. */
  keyOf(resource: string, id: string): Place {
    return { resource, idHash: this.#sealing.keyedHash('resource', `${resource}\n${id}`) }
  }

  /** A thing whose id means nothing without those of what it is a part of. */
  partOf(resource: string, parents: readonly string[], id: string): Place {
    const text = `${resource}\n${JSON.stringify([...parents, id])}`
    return {
      resource: `${resource} in parts`,
      idHash: this.#sealing.keyedHash('resource-part', text),
    }
  }

  /** Whether this process knows that a thing is a caller's; false says nothing. */
  isKnownOf({ part, plain }: ThingKey, caller: Owner): boolean {
    const place = part ?? plain
    return place !== undefined && this.#isKnown(place, caller)
  }

  #isKnown({ idHash }: Place, caller: Owner): boolean {
    const owner = this.#young.get(idHash) ?? this.#old.get(idHash)
    if (owner === undefined || !belongs(owner, caller)) return false
    if (!this.#young.has(idHash)) this.#remember(idHash, owner)
    return true
  }

  /** @returns false when the thing is somebody else's */
  async own({ part, plain }: ThingKey, owner: Owner): Promise<boolean> {
    const owned = await this.#own(part ?? plain, owner)
    // Whoever made the first thing with an id is whom it means where the id stands alone.
    if (part !== undefined && plain !== undefined) await this.#own(plain, owner).catch(() => false)
    return owned
  }

  async #own(place: Place | undefined, owner: Owner): Promise<boolean> {
    if (place === undefined) return false
    const owned = await this.#store.own(place.resource, place.idHash, owner)
    if (owned) this.#remember(place.idHash, owner)
    return owned
  }

  /** @returns for each of these whether it is a caller's */
  async areOfCaller(keys: readonly ThingKey[], caller: Owner): Promise<readonly boolean[]> {
    const parts = await this.#judge(
      keys.flatMap(({ part }) => part ?? []),
      caller,
    )
    const open = keys.filter(({ part }) => part === undefined || !parts.has(part.idHash))
    const plains = await this.#judge(
      open.flatMap(({ plain }) => plain ?? []),
      caller,
    )
    return keys.map(({ part, plain }) => {
      const asPart = part && parts.get(part.idHash)
      return asPart ?? (plain !== undefined && plains.get(plain.idHash) === true)
    })
  }

  /** @returns whether those that are known are a caller's */
  async #judge(places: readonly Place[], caller: Owner): Promise<ReadonlyMap<string, boolean>> {
    const judged = new Map<string, boolean>()
    const asked: Place[] = []
    for (const place of places) {
      if (this.#isKnown(place, caller)) judged.set(place.idHash, true)
      else asked.push(place)
    }
    for (const [resource, some] of Map.groupBy(asked, (place) => place.resource)) {
      const hashes = [...new Set(some.map(({ idHash }) => idHash))]
      for (const [hash, owner] of await this.#store.ownersOf(resource, hashes)) {
        const own = belongs(owner, caller)
        if (own) this.#remember(hash, owner)
        judged.set(hash, own)
      }
    }
    return judged
  }

  /** How many things of a kind a caller made, however they are noted. */
  async count(resource: string, isNested: boolean, caller: Owner): Promise<number> {
    const plain = await this.#store.countOwned(resource, caller)
    if (!isNested) return plain
    const { resource: parts } = this.partOf(resource, [], '')
    return Math.max(plain, await this.#store.countOwned(parts, caller))
  }

  /** Notes that a thing is gone: its id stays its maker's for a while, and then it is forgotten. */
  async end({ part, plain }: ThingKey, caller: Owner): Promise<void> {
    for (const place of [part, plain])
      if (place !== undefined) await this.#store.endOwned(place.resource, place.idHash, caller)
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
