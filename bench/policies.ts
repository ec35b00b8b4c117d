import { execFileSync } from 'node:child_process'
import { hash, randomUUID, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { newCheckedText } from '#platform/checked-text'
import { serverCertificate } from '#platform/local-certificate'
import { hashOf, testProofKey } from '../src/gateway/credentials/testing-proofs.ts'
import { audience, sealing } from '../src/gateway/testing.ts'
import type { ProcessSettings } from '../src/gateway/testing-process.ts'
import { load, median, requestText } from './load.ts'
import {
  apiPath,
  Bench,
  loadCore,
  missing,
  processorTime,
  type Served,
  usualTerms,
} from './servers.ts'

/** a younger process has less of its code compiled, which would look like a policy's cost */
const warmUpSeconds = 5
const rounds = Number(process.env.BENCH_ROUNDS ?? 3)
const seconds = Number(process.env.BENCH_SECONDS ?? 2)
/** for what may be sent once only: more than are sent in the time */
const single = 40_000

type Fields = Readonly<Record<string, string>>
type Variant = {
  name: string
  settings: Partial<ProcessSettings>
  fields?: (served: Served) => Fields[]
  upstream?: 'undeclared'
}

/** What each policy costs: the usual gateway with it, in turn with the usual gateway without it. */
export async function benchPolicies(): Promise<void> {
  const absent = missing('nginx', 'wrk', 'taskset')
  if (absent !== undefined) {
    console.log(absent)
    return
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-bench-'))
  const bench = new Bench(folder)
  try {
    console.log(
      'microseconds of processor a call, the median of some rounds in turn; the stores of keys and proofs in memory',
    )
    await compare(bench)
    await compareTls(bench)
  } finally {
    await bench.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(bench: Bench): Promise<void> {
  const upstream = await bench.upstream()
  const undeclared = await bench.upstream('{"swapped":false,"imsi":"999"}', 'undeclared')
  const usual = await bench.gateway('usual', upstream)
  load(bench, usual, warmUpSeconds)
  const rows: Record<string, object> = {}
  for (const variant of variants()) {
    const served = await bench.gateway(
      variant.name,
      variant.upstream === 'undeclared' ? undeclared : upstream,
      variant.settings,
    )
    if (variant.fields !== undefined) served.fields = variant.fields(served)
    load(bench, served, warmUpSeconds)
    const costs: { with: number[]; without: number[]; errors: number } = {
      ...{ with: [], without: [], errors: 0 },
    }
    for (let round = 0; round < rounds; round += 1) {
      costs.without.push(load(bench, usual, seconds).processorUs)
      if (variant.fields !== undefined) served.fields = variant.fields(served)
      const run = load(bench, served, seconds)
      costs.with.push(run.processorUs)
      costs.errors += run.errors
    }
    rows[variant.name] = row(costs.without, costs.with, costs.errors)
    await bench.stop(served)
  }
  console.table(rows)
}

function row(without: readonly number[], withIt: readonly number[], errors: number): object {
  const [before, after] = [median(without), median(withIt)]
  return {
    'usual, µs': before.toFixed(1),
    'with it, µs': after.toFixed(1),
    'difference, µs': (after - before).toFixed(1),
    'of a call': `${Math.round((after / before - 1) * 100)} %`,
    errors,
  }
}

function variants(): Variant[] {
  const apiKey = newCheckedText('wl_sbx_key_', 43)
  const proofs = testProofKey()
  const jkt = thumbprint(proofs.jwk)
  const { rate: _rate, quota: _quota, ...unlimited } = usualTerms
  const tokenOf = ({ fields }: Served): string =>
    fields[0]?.authorization?.replace(/^\w+ /, '') ?? ''
  return [
    { name: 'the same again (noise)', settings: {} },
    { name: 'without rates and quota', settings: { terms: { ...unlimited, rate: [] } } },
    { name: 'without a subject', settings: { operation: { subject: { kind: 'none' } } } },
    {
      name: 'API key instead of a token',
      settings: {
        operation: { credentials: ['api-key'] },
        holds: {
          apiKeys: [{ credentialId: 'crd_k', hash: sealing.keyedHash('api-key', apiKey) }],
        },
      },
      fields: () => [{ 'x-api-key': apiKey }],
    },
    {
      name: 'DPoP, a proof a call',
      settings: { tokens: 1, claims: { cnf: { jkt } } },
      fields: (served) => {
        const token = tokenOf(served)
        const claims = { htu: `${audience}${apiPath}`, ath: hashOf(token) }
        return Array.from({ length: single }, () => ({
          authorization: `DPoP ${token}`,
          dpop: proofs.proof(claims),
        }))
      },
    },
    {
      name: 'spike arrest and concurrency',
      settings: {
        terms: { ...usualTerms, spike: { limit: 1_000_000, windowMs: 100 }, concurrency: 100_000 },
      },
    },
    {
      name: 'Idempotency-Key, new each call',
      settings: { operation: { idempotency: 'optional' } },
      fields: (served) =>
        Array.from({ length: single }, () => ({
          authorization: `Bearer ${tokenOf(served)}`,
          'idempotency-key': randomUUID(),
        })),
    },
    {
      name: 'a field is masked',
      settings: { operation: { masks: [{ field: 'swapped', action: 'remove' }] } },
    },
    {
      name: 'undeclared fields taken out',
      settings: {},
      upstream: 'undeclared',
    },
    {
      name: 'answered from the cache',
      settings: { operation: { safe: true, cacheSeconds: 60, cachePersonal: true } },
    },
    { name: 'traced, all calls', settings: { tracedShare: 1 } },
    { name: 'traced, one call in a hundred', settings: { tracedShare: 0.01 } },
    { name: 'fdatasync before each answer', settings: { sync: 'always' } },
  ]
}

/** RFC 7638. */
const thumbprint = ({ crv, kty, x, y }: { [name: string]: unknown }): string =>
  hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url')

/** Connections in TLS: what is in them, and what making one costs. */
async function compareTls(bench: Bench): Promise<void> {
  const files = { keyFile: undefined, certificateFile: undefined }
  const server = await serverCertificate({ folder: path.join(bench.folder, 'server'), ...files })
  const client = await serverCertificate({ folder: path.join(bench.folder, 'client'), ...files })
  const digest = new X509Certificate(client.cert).fingerprint256.replaceAll(':', '')
  const upstream = await bench.upstream('{"swapped":false}', 'third')
  const plain = await bench.gateway('TLS 1.3', upstream, { certificate: server })
  const bound = await bench.gateway('TLS 1.3, client certificate', upstream, {
    certificate: server,
    tokens: 1,
    operation: { clientCertificate: true },
    holds: {
      certificates: [
        {
          credentialId: 'crd_c',
          thumbprint: Buffer.from(digest, 'hex').toString('base64url'),
        },
      ],
    },
  })
  const rows: Record<string, object> = {}
  for (const mode of ['keep', 'handshakes'])
    for (const [served, identity] of [
      [plain, {}],
      [bound, { key: client.key, cert: client.cert }],
    ] as const) {
      tlsLoad(served, identity, mode)
      const runs = Array.from({ length: rounds }, () => tlsLoad(served, identity, mode))
      rows[`${served.name}, ${mode === 'keep' ? 'kept' : 'a connection a call'}`] = {
        'a call, µs': median(runs.map(({ processorUs }) => processorUs)).toFixed(1),
        errors: runs.reduce((sum, { failed }) => sum + failed, 0),
      }
    }
  console.table(rows)
}

function tlsLoad(
  served: Served,
  identity: { key?: string; cert?: string },
  mode: string,
): { processorUs: number; failed: number } {
  const requests = served.fields.map((fields) => requestText('localhost', fields))
  const before = processorTime(served)
  const script = path.join(import.meta.dirname, 'tls-load.ts')
  const out = execFileSync(
    'taskset',
    ['-c', loadCore, process.execPath, script, `${served.ready?.tlsPort}`, `${seconds}`, mode],
    {
      env: { ...process.env, BENCH_REQUEST: JSON.stringify({ requests, ...identity }) },
      encoding: 'utf8',
    },
  )
  const { answered, failed } = JSON.parse(out) as { answered: number; failed: number }
  return { processorUs: (processorTime(served) - before) / answered, failed }
}
