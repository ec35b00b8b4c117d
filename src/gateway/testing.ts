import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import type { Journal, NewRecord } from '#journal'
import { systemClock } from '#platform/clock'
import { createLog } from '#platform/log'
import { createSealing } from '#platform/sealing'
import type {
  ApplicationEntry,
  ConsentAnswer,
  ConsentRegister,
  ContractEntry,
  KeyEntry,
  PlanEntry,
  SnapshotChange,
  SnapshotEntry,
  SnapshotFollower,
  SubscriptionEntry,
} from '#snapshot'
import { createGateway, type Gateway, type GatewayOptions } from './create-gateway.ts'
import type { ProofLedger } from './credentials/proof-ledger.ts'
import type { QuotaLedger } from './limits/quota-ledger.ts'
import type { Claim } from './payload/idempotency-claim.ts'
import type { Owner, PayloadStore } from './payload/payload-store.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

export const issuer = 'http://localhost:8085/sandbox'
/** @public */
export const audience = 'http://localhost:8082'
export const silent = createLog({ name: 'test', level: 'silent' })
/**
 * the keys of the gateways under test
 * @public
 */
export const sealing = createSealing(Buffer.alloc(32, 7))

/** A snapshot that tests change by hand; `hold` plays a feed that has not brought a change yet. */
export function manualSnapshot(entries: readonly SnapshotEntry[]): SnapshotFollower & {
  put(...entries: SnapshotEntry[]): void
  remove(entry: SnapshotEntry): void
  /** what the next `catchUp` brings */
  arriving: SnapshotEntry[]
  reads: number
} {
  let revision = 1
  let notify: (changes: readonly SnapshotChange[], complete: boolean) => void = () => undefined
  const change = (entry: SnapshotEntry, gone = false): SnapshotChange => {
    revision += 1
    return {
      environment: 'sandbox',
      revision,
      kind: entry.kind,
      id: entry.id,
      entry: gone ? undefined : entry,
    }
  }
  const follower = {
    arriving: [] as SnapshotEntry[],
    reads: 0,
    async start(onChange: typeof notify) {
      notify = onChange
      notify(
        entries.map((entry) => change(entry)),
        true,
      )
    },
    async catchUp() {
      follower.reads += 1
      const arrived = follower.arriving.splice(0)
      if (arrived.length > 0)
        notify(
          arrived.map((entry) => change(entry)),
          false,
        )
    },
    revision: () => revision,
    ageMs: () => 0,
    stop: async () => undefined,
    put: (...more: SnapshotEntry[]) =>
      notify(
        more.map((entry) => change(entry)),
        false,
      ),
    remove: (entry: SnapshotEntry) => notify([change(entry, true)], false),
  }
  return follower
}

export const application = (n: number, more: Partial<ApplicationEntry> = {}): ApplicationEntry => ({
  kind: 'application',
  id: `app_${n}`,
  clientId: `wl_sbx_${n}`,
  partnerId: `prt_${n}`,
  state: 'active',
  credentialIds: [`crd_${n}`],
  ...more,
})

export const contract = (n: number, more: Partial<ContractEntry> = {}): ContractEntry => ({
  kind: 'contract',
  id: `ctr_${n}`,
  partnerId: `prt_${n}`,
  planId: 'pln_free',
  tier: 'free',
  state: 'active',
  timeZone: 'UTC',
  rate: [],
  quota: undefined,
  ...more,
})

export const plan = (more: Partial<PlanEntry> = {}): PlanEntry => ({
  kind: 'plan',
  id: 'pln_free',
  currency: 'EUR',
  prices: { '*': 'prc_any', 'sim-swap/v2': 'prc_sim' },
  ...more,
})

export const subscription = (
  n: number,
  more: Partial<SubscriptionEntry> = {},
): SubscriptionEntry => ({
  kind: 'subscription',
  id: `sub_${n}`,
  applicationId: `app_${n}`,
  contractId: `ctr_${n}`,
  apiId: '*',
  state: 'active',
  ...more,
})

/** The entries that let application `n` call. */
export const customer = (n: number, terms: Partial<ContractEntry> = {}): SnapshotEntry[] => [
  application(n),
  plan(),
  contract(n, terms),
  subscription(n),
]

/** A signing key of the issuer, made or given in PEM, and tokens from it. */
export function testKey(
  id = 'key-1',
  signingKey?: string,
): {
  entry: KeyEntry
  token(n: number, claims?: Record<string, unknown>, header?: Record<string, unknown>): string
} {
  const privateKey =
    signingKey === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
      : createPrivateKey(signingKey)
  const publicKey = createPublicKey(privateKey)
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: id, alg: 'ES256' }
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    entry: { kind: 'key', id, issuer, jwk },
    token(n, claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1_000)
      const head = encode({ alg: 'ES256', typ: 'at+jwt', kid: id, ...header })
      const body = encode({
        iss: issuer,
        aud: audience,
        client_id: `wl_sbx_${n}`,
        sub: `wl_sbx_${n}`,
        scope: 'sim-swap:check',
        iat: now,
        exp: now + 600,
        jti: `${n}`,
        crd: `crd_${n}`,
        ...claims,
      })
      const signed = `${head}.${body}`
      const signature = sign('sha256', Buffer.from(signed), {
        key: privateKey,
        dsaEncoding: 'ieee-p1363',
      })
      return `${signed}.${signature.toString('base64url')}`
    },
  }
}

/** Keeps records in memory; `failing` plays a disk that refuses. */
export function memoryJournal(): Journal & {
  records: NewRecord[]
  failing: boolean
  unhealthy: boolean
  counters: Record<string, number>
} {
  const journal = {
    boot: 'b',
    records: [] as NewRecord[],
    failing: false,
    unhealthy: false,
    counters: {} as Record<string, number>,
    append(record: NewRecord, done: (error: Error | undefined) => void) {
      setImmediate(() => {
        if (!journal.failing) journal.records.push(JSON.parse(JSON.stringify(record)))
        done(journal.failing ? new Error('ENOSPC') : undefined)
      })
    },
    healthy: () => !journal.unhealthy,
    backlog: () => ({ segments: 0, oldestMs: 0 }),
    count: (name: string) => {
      journal.counters[name] = (journal.counters[name] ?? 0) + 1
    },
    stop: async () => undefined,
  }
  return journal
}

/** One process's writes and things in memory; `down` plays a database that is away. */
export function memoryPayloads(): PayloadStore & { down: boolean } {
  type Row = { fingerprint: string; holder: string; state: string; answer: string | undefined }
  const requests = new Map<string, Row>()
  const owners = new Map<string, Owner>()
  const keyOf = (c: Claim): string => `${c.applicationId} ${c.operation} ${c.requestHash}`
  const up = async (): Promise<void> => {
    await Promise.resolve()
    if (store.down) throw new Error('down')
  }
  const store: PayloadStore & { down: boolean } = {
    down: false,
    async begin(claim, { fingerprint, repeatable }) {
      await up()
      const row = requests.get(keyOf(claim))
      const free = row === undefined || (row.state === 'unknown' && repeatable)
      if (!free) {
        if (row.fingerprint !== fingerprint) return { outcome: 'other' }
        if (row.state === 'done') return { outcome: 'done', answer: row.answer }
        return { outcome: row.state === 'unknown' ? 'unknown' : 'running' }
      }
      const { holder } = claim
      requests.set(keyOf(claim), { fingerprint, holder, state: 'started', answer: undefined })
      return { outcome: 'new' }
    },
    async settle(claim, settlement) {
      await up()
      const row = requests.get(keyOf(claim))
      if (row?.holder !== claim.holder) return false
      if (settlement.state === 'released') return requests.delete(keyOf(claim))
      row.state = settlement.state
      if (settlement.state === 'done') row.answer = settlement.answer
      return true
    },
    async own(resource, idHash, owner) {
      await up()
      const before = owners.get(`${resource} ${idHash}`)
      if (before === undefined) owners.set(`${resource} ${idHash}`, owner)
      return (
        before === undefined ||
        (before.applicationId === owner.applicationId && before.subject === owner.subject)
      )
    },
    async ownersOf(resource, idHashes) {
      await up()
      const found = new Map<string, Owner>()
      for (const hash of idHashes) {
        const owner = owners.get(`${resource} ${hash}`)
        if (owner !== undefined) found.set(hash, owner)
      }
      return found
    },
    async endOwned() {
      await up()
    },
    async countOwned(resource, { applicationId, subject }) {
      await up()
      return [...owners].filter(
        ([key, owner]) =>
          key.startsWith(`${resource} `) &&
          owner.applicationId === applicationId &&
          (subject === undefined || owner.subject === subject),
      ).length
    },
    reachable: up,
    stop: () => undefined,
  }
  return store
}

/** One process's ledger in memory. */
export function memoryLedger(): QuotaLedger & { used: Map<string, number>; down: boolean } {
  const ledger = {
    used: new Map<string, number>(),
    down: false,
    async lease(contractId: string, period: string, cap: number, amount: number, least: number) {
      if (ledger.down) throw new Error('down')
      const key = `${contractId} ${period}`
      const before = ledger.used.get(key) ?? 0
      const left = cap - before
      const granted =
        amount > 0 && left < least ? 0 : Math.max(Math.min(amount, 0), Math.min(amount, left))
      ledger.used.set(key, before + granted)
      return { granted, used: before + granted }
    },
  }
  return ledger
}

/** One process's memory of proofs. */
export function memoryProofs(): ProofLedger & { claimed: Set<string>; down: boolean } {
  const proofs = {
    claimed: new Set<string>(),
    down: false,
    async claim(proof: string) {
      if (proofs.down) throw new Error('down')
      const first = !proofs.claimed.has(proof)
      proofs.claimed.add(proof)
      return first
    },
  }
  return proofs
}

/** What subscribers said, as tests have it. */
export function memoryConsents(): ConsentRegister & {
  answers: (ConsentAnswer & { subject: string; applicationId: string })[]
  asked: number
  down: boolean
} {
  const register = {
    answers: [] as (ConsentAnswer & { subject: string; applicationId: string })[],
    asked: 0,
    down: false,
    async answersOf(subject: string, applicationId: string, purpose: string | undefined) {
      register.asked += 1
      if (register.down) throw new Error('the database is down')
      return register.answers.filter(
        (answer) =>
          answer.subject === subject &&
          answer.applicationId === applicationId &&
          (purpose === undefined || answer.purpose === purpose),
      )
    },
  }
  return register
}

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

/**
 * A real upstream whose answers a test chooses; it remembers what it was sent.
 * @public
 */
export async function testUpstream(
  t: TestContext,
  answer: Answer = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"swapped":false}')
  },
): Promise<{
  url: string
  requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
  answer: Answer
}> {
  const upstream = { url: '', requests: [] as never[], answer } as unknown as Awaited<
    ReturnType<typeof testUpstream>
  >
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      upstream.requests.push({ method, url, headers, body })
      upstream.answer(request, response, body)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return upstream
}

export type TestGateway = {
  gateway: Gateway
  url: string
  snapshot: ReturnType<typeof manualSnapshot>
  journal: ReturnType<typeof memoryJournal>
  ledger: ReturnType<typeof memoryLedger>
  proofs: ReturnType<typeof memoryProofs>
  registry: Registry
}

/** A gateway on a free port with a real HTTP stack; journal and ledger in memory unless given. */
export async function testGateway(
  t: TestContext,
  entries: readonly SnapshotEntry[],
  more: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const snapshot = manualSnapshot(entries)
  const journal = memoryJournal()
  const ledger = memoryLedger()
  const proofs = memoryProofs()
  const registry = new Registry()
  const gateway = createGateway({
    environment: 'sandbox',
    listen: { host: '127.0.0.1', port: 0 },
    hosts: { names: ['gw', 'gw.example'], ownAddresses: true },
    issuer,
    audience,
    sealing,
    snapshot,
    journal,
    quota: ledger,
    payloads: memoryPayloads(),
    proofs,
    consents: memoryConsents(),
    registry,
    log: silent,
    clock: systemClock,
    // The machine of a test may be busy with other tests: that is no reason to refuse its calls.
    strain: () => ({ delayMs: 0, cpu: 0, busy: 0, heap: 0 }),
    ...more,
  })
  await gateway.start()
  t.after(() => gateway.stop())
  const url = `http://127.0.0.1:${gateway.port()}`
  return { gateway, url, snapshot, journal, ledger, proofs, registry }
}
