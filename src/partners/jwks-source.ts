import { createHash } from 'node:crypto'
import type { JWK } from 'jose'
import { AppError } from '#platform/app-error'
import type { Clock } from '#platform/clock'
import type { Egress } from '#platform/egress'
import type { Log } from '#platform/log'
import { acceptPublicKey } from './public-key.ts'

export type PublishedKey = { credentialId: string; jwk: JWK & { kid: string } }

type Published = { applicationId: string; jwksUri: string }

/** The keys that applications publish at their `jwksUri`. */
export interface JwksSource {
  /**
   * The keys at this address that may have signed something with this `kid`; without one, all. An address that does not
   * answer keeps the keys that it had, for a day.
   * @throws AppError UNAVAILABLE when none are at hand, and too many wait for this address or for all
   */
  keysAt(application: Published, kid: string | undefined): Promise<readonly PublishedKey[]>
}

type Held = {
  keys: readonly (JWK & { kid: string })[]
  /** when these keys came; undefined: never */
  fetchedAt: number | undefined
  triedAt: number
  fresh: number
  running: Promise<void> | undefined
  waiting: number
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const cooldownMs = 30_000
const mostHeld = 10_000
const mostKeys = 20
// Whoever waits here takes the place of a request that could be served, and for how long is up to somebody else's server.
const mostWaiting = { forOne: 100, forAll: 200 }

/** The id that tokens carry whose client came with a key of this address: with another address they end. */
export const publishedKeysId = (applicationId: string, jwksUri: string): string =>
  `jku_${createHash('sha256').update(`${applicationId} ${jwksUri}`).digest('hex').slice(0, 26)}`

/** Asked at most twice a minute for each address, however many requests with however many names of keys come. */
export function createJwksSource(options: { egress: Egress; clock: Clock; log: Log }): JwksSource {
  const { egress, clock, log } = options
  const held = new Map<string, Held>()
  let waiting = 0
  const now = (): number => clock.now().getTime()
  const hold = (jwksUri: string): Held => {
    const found = held.get(jwksUri) ?? {
      ...{ keys: [], fetchedAt: undefined, fresh: 0, running: undefined, waiting: 0 },
      triedAt: Number.NEGATIVE_INFINITY,
    }
    // The last one to be asked for is the last one to go.
    held.delete(jwksUri)
    held.set(jwksUri, found)
    const oldest = held.size > mostHeld ? held.keys().next().value : undefined
    if (oldest !== undefined) held.delete(oldest)
    return found
  }
  const refresh = async ({ applicationId, jwksUri }: Published, entry: Held): Promise<void> => {
    entry.triedAt = now()
    try {
      const answer = await egress.fetchGuarded(jwksUri, {
        headers: { accept: 'application/jwk-set+json, application/json' },
        deadlineMs: 5_000,
        maxBytes: 65_536,
      })
      if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
      entry.keys = await readKeySet(answer.body)
      entry.fetchedAt = now()
      entry.fresh = freshnessOf(answer.headers['cache-control'])
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      // Its client is told no more than a stranger, so the operator has to find whose keys they are.
      log.warn(
        { target: applicationId, reason },
        'the published keys of an application could not be read',
      )
    }
  }
  /** @returns false when too many wait already */
  const refreshed = async (application: Published, entry: Held): Promise<boolean> => {
    if (entry.waiting >= mostWaiting.forOne || waiting >= mostWaiting.forAll) return false
    entry.running ??= refresh(application, entry).finally(() => {
      entry.running = undefined
    })
    entry.waiting += 1
    waiting += 1
    try {
      await entry.running
    } finally {
      entry.waiting -= 1
      waiting -= 1
    }
    return true
  }
  return {
    async keysAt({ applicationId, jwksUri }, kid) {
      const entry = hold(jwksUri)
      const age = (): number => now() - (entry.fetchedAt ?? Number.NEGATIVE_INFINITY)
      const matching = () => entry.keys.filter((key) => kid === undefined || key.kid === kid)
      const stale = age() > entry.fresh || age() < 0
      if (
        (entry.running !== undefined ||
          ((stale || matching().length === 0) && mayTry(entry, now()))) &&
        !(await refreshed({ applicationId, jwksUri }, entry)) &&
        matching().length === 0
      )
        throw new AppError('UNAVAILABLE', 'Too many wait for published keys. Try again.')
      if (age() > dayMs) return []
      const credentialId = publishedKeysId(applicationId, jwksUri)
      return matching().map((jwk) => ({ credentialId, jwk }))
    },
  }
}

/** A clock that was set back does not stop it. */
const mayTry = ({ triedAt }: Held, now: number): boolean =>
  now - triedAt >= cooldownMs || now < triedAt

/** As long as the answer says, and not less than a minute nor more than a day. */
function freshnessOf(cacheControl: string | undefined): number {
  const [, seconds] = /(?:^|[,\s])max-age=(\d{1,9})\b/i.exec(cacheControl ?? '') ?? []
  const told = seconds === undefined ? 60 * minuteMs : Number(seconds) * 1_000
  return Math.min(dayMs, Math.max(minuteMs, told))
}

/**
 * The keys of a set that may verify a signature. A key that is weak, symmetric or private is left out, as is one for
 * something else (RFC 7517, section 5: what is not understood is ignored).
 */
async function readKeySet(body: Buffer): Promise<(JWK & { kid: string })[]> {
  const set: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  const keys = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined
  if (!Array.isArray(keys)) throw new Error('is no JWK Set: it has no list of keys')
  const accepted = new Map<string, JWK & { kid: string }>()
  for (const key of keys.slice(0, mostKeys) as unknown[]) {
    const jwk = await accept(key)
    if (jwk !== undefined && !accepted.has(jwk.kid)) accepted.set(jwk.kid, jwk)
  }
  return [...accepted.values()]
}

async function accept(key: unknown): Promise<(JWK & { kid: string }) | undefined> {
  if (typeof key !== 'object' || key === null || Array.isArray(key)) return undefined
  const record = key as Record<string, unknown>
  if (record.use !== undefined && record.use !== 'sig') return undefined
  if (Array.isArray(record.key_ops) && !record.key_ops.includes('verify')) return undefined
  try {
    return await acceptPublicKey(record)
  } catch {
    return undefined
  }
}
