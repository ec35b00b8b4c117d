import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto'
import type { Log } from '#platform/log'
import type {
  ApiEntry,
  ApplicationEntry,
  ContractEntry,
  KeyEntry,
  PlanEntry,
  SnapshotChange,
  SubscriptionEntry,
} from '#snapshot'

/** far more than go away within the life of a token */
const mostRemembered = 20_000

export type SigningKey = { issuer: string; key: KeyObject }

/**
 * The snapshot as the pipeline asks it: maps, so that a request costs the same with ten applications and with fifty
 * thousand. Entries are kept as they came; only keys are parsed.
 */
export class SnapshotIndex {
  #applications = new Map<string, ApplicationEntry>()
  #byClientId = new Map<string, ApplicationEntry>()
  #byApiKey = new Map<string, { application: ApplicationEntry; credentialId: string }>()
  #subscriptions = new Map<string, SubscriptionEntry>()
  #byApplication = new Map<string, SubscriptionEntry[]>()
  #contracts = new Map<string, ContractEntry>()
  #plans = new Map<string, PlanEntry>()
  #keys = new Map<string, SigningKey>()
  #revoked = new Set<string>()
  #removed = new Set<string>()
  #log: Log
  #onApi: (id: string, entry: ApiEntry | undefined) => void
  #onKeys: () => void

  constructor(options: {
    log: Log
    onApi: (id: string, entry: ApiEntry | undefined) => void
    onKeys: () => void
  }) {
    this.#log = options.log
    this.#onApi = options.onApi
    this.#onKeys = options.onKeys
  }

  #apis = new Set<string>()

  application(clientId: string): ApplicationEntry | undefined {
    return this.#byClientId.get(clientId)
  }

  /** @param hash the keyed hash of an API key */
  holderOfKey(hash: string): { application: ApplicationEntry; credentialId: string } | undefined {
    return this.#byApiKey.get(hash)
  }

  subscriptions(applicationId: string): readonly SubscriptionEntry[] {
    return this.#byApplication.get(applicationId) ?? none
  }

  contract(id: string): ContractEntry | undefined {
    return this.#contracts.get(id)
  }

  /**
   * Whether this was here and was taken away: a credential, the hash of an API key, a client, a contract,
   * `<application> <API>` for a subscription, or `<application> <thumbprint>` for a certificate. What is merely unknown may still be on its way; what was removed will not come.
   */
  wasRemoved(id: string): boolean {
    return this.#removed.has(id)
  }

  plan(id: string): PlanEntry | undefined {
    return this.#plans.get(id)
  }

  key(id: string): SigningKey | undefined {
    return this.#keys.get(id)
  }

  /** Whether nothing at all is revoked, which spares looking. */
  get revokesNothing(): boolean {
    return this.#revoked.size === 0
  }

  /** @param id of a consent, a grant, a token or an objection; @see RevocationEntry */
  isRevoked(id: string): boolean {
    return this.#revoked.has(id)
  }

  apply(changes: Iterable<SnapshotChange>, complete: boolean): void {
    const keysBefore = this.#keys
    const stale = complete ? this.#clear() : none
    for (const change of changes) {
      try {
        this.#put(change)
      } catch (error) {
        // One unusable entry must not stop the others: the thing that it describes is refused, not the gateway.
        this.#log.error(
          { err: error, kind: change.kind, id: change.id, revision: change.revision },
          'a snapshot entry cannot be used',
        )
      }
    }
    for (const id of stale) if (!this.#apis.has(id)) this.#onApi(id, undefined)
    if (complete || this.#keys !== keysBefore) this.#onKeys()
  }

  /** @returns the APIs that were there, so that those which do not come again are unpublished */
  #clear(): readonly string[] {
    this.#applications.clear()
    this.#byClientId.clear()
    this.#byApiKey.clear()
    this.#subscriptions.clear()
    this.#byApplication.clear()
    this.#contracts.clear()
    this.#plans.clear()
    this.#revoked.clear()
    this.#keys = new Map()
    const apis = [...this.#apis]
    this.#apis.clear()
    return apis
  }

  #put({ kind, id, entry }: SnapshotChange): void {
    switch (kind) {
      case 'application':
        this.#putApplication(id, entry?.kind === 'application' ? entry : undefined)
        return
      case 'subscription':
        this.#putSubscription(id, entry?.kind === 'subscription' ? entry : undefined)
        return
      case 'contract':
        if (entry?.kind === 'contract') this.#contracts.set(id, entry)
        else if (this.#contracts.delete(id)) this.#remember(id)
        return
      case 'plan':
        if (entry?.kind === 'plan') this.#plans.set(id, entry)
        else this.#plans.delete(id)
        return
      case 'key':
        this.#putKey(id, entry?.kind === 'key' ? entry : undefined)
        return
      case 'revocation':
        if (entry?.kind === 'revocation') this.#revoked.add(id)
        else this.#revoked.delete(id)
        return
      case 'api':
        if (entry?.kind === 'api') this.#apis.add(id)
        else this.#apis.delete(id)
        this.#onApi(id, entry?.kind === 'api' ? entry : undefined)
        return
    }
  }

  #putApplication(id: string, entry: ApplicationEntry | undefined): void {
    const before = this.#applications.get(id)
    if (before !== undefined && before.clientId !== entry?.clientId)
      this.#byClientId.delete(before.clientId)
    for (const credentialId of before?.credentialIds ?? []) {
      if (entry?.credentialIds.includes(credentialId) !== true) this.#remember(credentialId)
    }
    for (const { hash } of before?.apiKeys ?? []) {
      this.#byApiKey.delete(hash)
      if (entry?.apiKeys?.some((key) => key.hash === hash) !== true) this.#remember(hash)
    }
    for (const { thumbprint } of before?.certificates ?? []) {
      const kept = entry?.certificates?.some((other) => other.thumbprint === thumbprint)
      if (thumbprint !== undefined && kept !== true) this.#remember(`${id} ${thumbprint}`)
    }
    if (entry === undefined) {
      if (this.#applications.delete(id) && before !== undefined) this.#remember(before.clientId)
      return
    }
    this.#applications.set(id, entry)
    this.#byClientId.set(entry.clientId, entry)
    for (const { hash, credentialId } of entry.apiKeys ?? [])
      this.#byApiKey.set(hash, { application: entry, credentialId })
    for (const { thumbprint } of entry.certificates ?? [])
      this.#removed.delete(`${id} ${thumbprint}`)
  }

  #putSubscription(id: string, entry: SubscriptionEntry | undefined): void {
    const before = this.#subscriptions.get(id)
    if (before !== undefined) {
      const rest = this.subscriptions(before.applicationId).filter((other) => other.id !== id)
      if (rest.length === 0) this.#byApplication.delete(before.applicationId)
      else this.#byApplication.set(before.applicationId, rest)
    }
    if (entry === undefined) {
      this.#subscriptions.delete(id)
      if (before !== undefined) this.#remember(`${before.applicationId} ${before.apiId}`)
      return
    }
    this.#subscriptions.set(id, entry)
    this.#removed.delete(`${entry.applicationId} ${entry.apiId}`)
    const others = this.#byApplication.get(entry.applicationId)
    if (others === undefined) this.#byApplication.set(entry.applicationId, [entry])
    else others.push(entry)
  }

  #remember(id: string): void {
    this.#removed.delete(id)
    this.#removed.add(id)
    if (this.#removed.size <= mostRemembered) return
    const [oldest] = this.#removed
    if (oldest !== undefined) this.#removed.delete(oldest)
  }

  #putKey(id: string, entry: KeyEntry | undefined): void {
    // A new map each time: its identity is the revision of the key set.
    this.#keys = new Map(this.#keys)
    this.#keys.delete(id)
    if (entry === undefined) return
    const { kty, crv, x, y } = entry.jwk
    if (kty !== 'EC' || crv !== 'P-256') throw new TypeError('only ES256 keys sign access tokens')
    const key = createPublicKey({ key: { kty, crv, x, y } as webcrypto.JsonWebKey, format: 'jwk' })
    this.#keys.set(id, { issuer: entry.issuer, key })
  }
}

const none: readonly never[] = []
