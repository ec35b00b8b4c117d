import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'

type Resolve = (
  host: string,
  options: { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

type Known = { addresses: readonly LookupAddress[]; atMs: number }
type Waiting = {
  told: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void
}

const freshMs = 10_000
/** after this an answer of before is used, however old: a name server that hangs must not stop what runs */
const patienceMs = 300
/**
 * Each question takes a thread of four for as long as the name server takes, which signatures are verified on as well:
 * one upstream's name server must not stop everyone's calls.
 */
const mostAsking = 2
const mostKnown = 10_000

/**
 * Finds the addresses of upstream hosts: one question a host at a time, two in all, remembered for ten seconds, and for
 * as long as it takes while nobody answers.
 */
export class HostLookup {
  #resolve: Resolve
  #monotonicMs: () => number
  #known = new Map<string, Known>()
  #waiting = new Map<string, Set<Waiting>>()
  #askedMs = new Map<string, number>()
  #queue: string[] = []
  #asking = 0

  constructor(resolve: Resolve, monotonicMs: () => number) {
    this.#resolve = resolve
    this.#monotonicMs = monotonicMs
  }

  /** What `net.connect` takes as `lookup`. */
  readonly lookup: LookupFunction = (host, options: LookupOptions, callback) => {
    this.#find(host, (error, addresses) => {
      const wanted = familyOf(options.family)
      const fitting = wanted === 0 ? addresses : addresses.filter(({ family }) => family === wanted)
      const [first] = fitting
      if (error !== null) callback(error, options.all === true ? [] : '')
      else if (first === undefined) callback(notFound(host), options.all === true ? [] : '')
      else if (options.all === true) callback(null, [...fitting])
      else callback(null, first.address, first.family)
    })
  }

  #find(host: string, told: Waiting['told']): void {
    const known = this.#known.get(host)
    if (known !== undefined && (this.#isFresh(known) || this.#isLate(host))) {
      // As a resolver does: never in the turn of the question.
      queueMicrotask(() => told(null, known.addresses))
      return
    }
    const waiting = this.#waiting.get(host) ?? new Set()
    const one: Waiting = { told }
    waiting.add(one)
    if (known !== undefined) {
      const timer = setTimeout(() => {
        if (waiting.delete(one)) told(null, known.addresses)
      }, patienceMs)
      one.told = (error, addresses) => {
        clearTimeout(timer)
        if (error === null) told(null, addresses)
        else told(null, known.addresses)
      }
    }
    if (this.#waiting.has(host)) return
    this.#waiting.set(host, waiting)
    this.#askedMs.set(host, this.#monotonicMs())
    this.#queue.push(host)
    this.#askNext()
  }

  #isFresh(known: Known): boolean {
    return this.#monotonicMs() - known.atMs < freshMs
  }

  /** Others have waited in vain already. */
  #isLate(host: string): boolean {
    const sinceMs = this.#askedMs.get(host)
    return sinceMs !== undefined && this.#monotonicMs() - sinceMs >= patienceMs
  }

  #askNext(): void {
    while (this.#asking < mostAsking) {
      const host = this.#queue.shift()
      if (host === undefined) return
      this.#asking += 1
      this.#resolve(host, { all: true }, (error, addresses) => {
        this.#asking -= 1
        const waiting = this.#waiting.get(host) ?? new Set()
        this.#waiting.delete(host)
        this.#askedMs.delete(host)
        if (error === null) this.#remember(host, addresses)
        for (const { told } of waiting) told(error, addresses ?? [])
        this.#askNext()
      })
    }
  }

  #remember(host: string, addresses: readonly LookupAddress[]): void {
    this.#known.delete(host)
    this.#known.set(host, { addresses, atMs: this.#monotonicMs() })
    if (this.#known.size <= mostKnown) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}

const familyOf = (family: LookupOptions['family']): number =>
  family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : (family ?? 0)

const notFound = (host: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`no address of ${host}`), { code: 'ENOTFOUND' })
