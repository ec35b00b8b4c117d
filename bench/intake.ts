import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Pool } from 'undici'
import { listSegments, type NewRecord, openJournal } from '#journal'
import { createMetering } from '#metering'
import type { DatabasePool } from '#platform/database'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { createInternalServer } from '#platform/internal-server'
import { createLog } from '#platform/log'
import { migrate } from '#platform/migrations'
import { freePort, testPlatform } from '#platform/testing'
import { migrated } from '../src/modules.ts'

const compress = promisify(gzip)
const segmentRecords = 5_000
const segments = 80
const partners = 200
/** of whom the calls are, in the second run: each becomes evidence */
const subscribers = 20_000
const log = createLog({ name: 'bench', level: 'warn' })

type Prepared = { headers: Record<string, string>; body: Buffer }

/**
 * Sealed segments of two gateways over HTTP into PostgreSQL with the product's own settings (fsync on): verified,
 * written down, summed. The intake, PostgreSQL and the sender share this machine.
 */
export async function benchIntake(): Promise<void> {
  await benchWith('calls about nobody', false)
  await benchWith(`calls about ${subscribers} people, each of them evidence`, true)
}

async function benchWith(title: string, personal: boolean): Promise<void> {
  console.log(title)
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-bench-intake-'))
  const cleanups: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const postgres = await startEmbeddedPostgres({ dataDir: folder, port: await freePort() })
    cleanups.push(() => postgres.stop())
    await migrate(postgres.url, path.join(import.meta.dirname, '../src'), migrated)
    await measure(folder, postgres.url, cleanups, personal)
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup()
  }
}

async function measure(
  folder: string,
  url: string,
  cleanups: (() => unknown)[],
  personal: boolean,
): Promise<void> {
  const scope = { after: (fn: () => unknown) => void cleanups.push(fn) }
  const platform = await testPlatform(scope as never, { url })
  const price = {
    ...{ priceId: 'prc_bench', planId: 'pln_paid', apiId: '*' },
    ...{ unit: '0.02', list: '0.02', currency: 'EUR' },
  }
  const metering = createMetering(platform, { contracts: { price: async () => price } })
  await metering.keepDays()
  const server = createInternalServer({
    host: '127.0.0.1',
    port: 0,
    ready: () => true,
    handlers: metering.internalHandlers,
  })
  await server.start()
  cleanups.push(() => server.stop())
  const token = platform.sealing.machineToken('intake:production')
  const gateways = await Promise.all(
    ['gtw_1', 'gtw_2'].map((gatewayId) => prepare(folder, gatewayId, token, personal)),
  )
  const pool = new Pool(`http://127.0.0.1:${server.port()}`, { connections: 2 })
  cleanups.push(() => pool.destroy())
  console.log(`${segments} segments of ${segmentRecords} records, ${availableParallelism()} cores`)
  for (const [name, expected] of [
    ['new segments', 'applied'],
    ['the same again', 'known'],
  ] as const) {
    const start = performance.now()
    // A gateway sends one segment at a time.
    await Promise.all(
      gateways.map(async (prepared) => {
        for (const { headers, body } of prepared) {
          const answer = await pool.request({
            ...{ path: '/internal/v1/journal/segments', method: 'POST', headers, body },
          })
          const told = (await answer.body.json()) as { outcome?: string; message?: string }
          if (told.outcome !== expected)
            throw new Error(`a segment was ${told.outcome ?? told.message}, not ${expected}`)
        }
      }),
    )
    const seconds = (performance.now() - start) / 1_000
    const rate = Math.round((segments * segmentRecords) / seconds)
    console.log(`${name.padEnd(16)} ${String(rate).padStart(8)} records/s  ${seconds.toFixed(1)} s`)
  }
  const { rows } = await platform.database.pool.query<{ bytes: number; records: number }>(
    `select sum(pg_total_relation_size(inhrelid))::bigint as bytes, (select count(*) from metering.exchange) as records
     from pg_inherits where inhparent = 'metering.exchange'::regclass`,
  )
  const stored = rows[0]
  await tellEvidence(platform.database.pool)
  if (stored !== undefined)
    console.log(`${Math.round(stored.bytes / stored.records)} bytes a record with its indexes`)
  const start = performance.now()
  const report = await metering.reconcile()
  const seconds = (performance.now() - start) / 1_000
  console.log(`reconciled in ${seconds.toFixed(1)} s: ${report.agrees ? 'agrees' : report.text}`)
}

async function tellEvidence(pool: DatabasePool['pool']): Promise<void> {
  const { rows } = await pool.query<{ bytes: number; records: number }>(
    `select (select sum(pg_total_relation_size(inhrelid))::bigint from pg_inherits
       where inhparent = 'audit.segment'::regclass) as bytes, sum(records)::bigint as records from audit.segment`,
  )
  const { bytes, records } = rows[0] ?? { bytes: 0, records: 0 }
  if (records > 0) console.log(`${Math.round(bytes / records)} bytes of evidence a record`)
}

/** Segments as a gateway's own journal writes and its shipper sends them. */
async function prepare(
  folder: string,
  gatewayId: string,
  token: string,
  personal: boolean,
): Promise<Prepared[]> {
  const home = path.join(folder, 'journal')
  const journal = await openJournal({
    ...{ folder: home, gatewayId, environment: 'production', sync: 'never', now: Date.now, log },
    segmentBytes: 1,
  })
  for (let segment = 0; segment < segments / 2; segment += 1) {
    await Promise.all(
      Array.from(
        { length: segmentRecords },
        (_, i) =>
          new Promise<void>((resolve, reject) => {
            journal.append(record(gatewayId, segment * segmentRecords + i, personal), (error) =>
              error === undefined ? resolve() : reject(error),
            )
          }),
      ),
    )
  }
  await journal.stop()
  const files = listSegments(home).filter((file) => file.gatewayId === gatewayId)
  return await Promise.all(
    files.map(async (file) => {
      const bytes = readFileSync(file.path)
      return {
        headers: {
          authorization: `Bearer ${token}`,
          'content-encoding': 'gzip',
          'x-wayleave-gateway': gatewayId,
          'x-wayleave-boot': file.boot,
          'x-wayleave-sequence': String(file.sequence),
          'x-wayleave-sha256': createHash('sha256').update(bytes).digest('hex'),
        },
        body: await compress(bytes, { level: 1 }),
      }
    }),
  )
}

const begin = Date.now() - 600_000

function record(gatewayId: string, i: number, personal: boolean): NewRecord {
  const at = begin + i
  const partner = String(i % partners).padStart(20, '0')
  const id = `${at.toString(36).padStart(9, '0')}${gatewayId.slice(-1)}${String(i).padStart(10, '0')}`
  return {
    id: `exc_${id}`,
    correlator: crypto.randomUUID(),
    at,
    environment: 'production',
    partnerId: `prt_${partner}`,
    applicationId: `app_${partner}`,
    credentialId: `crd_${partner}`,
    contractId: `ctr_${partner}`,
    apiId: 'sim-swap/v2',
    operationId: 'checkSimSwap',
    method: 'POST',
    status: i % 50 === 0 ? 429 : 200,
    ...(i % 50 === 0 && { code: 'TOO_MANY_REQUESTS', refusedBy: 'limit' }),
    totalMs: 1 + (i % 1000) / 100,
    upstreamMs: 0.9,
    requestBytes: 120,
    responseBytes: 300,
    units: i % 50 === 0 ? 0 : 1,
    priceId: 'prc_bench',
    ...(personal && personOf(i)),
  }
}

function personOf(i: number): Partial<NewRecord> {
  // Odd, so that every subscriber comes before the first comes again.
  const place = (i * 7_919) % subscribers
  return {
    subject: createHash('sha256').update(String(place)).digest('base64url'),
    tokenId: `tok-${place}`,
    rules: 0b1111,
    legal: {
      basis: 'consent',
      purpose: 'dpv:FraudPreventionAndDetection',
      scopes: ['sim-swap:check'],
      consents: [`cns_${String(place).padStart(20, '0')}`],
      grant: `gnt_${String(place).padStart(20, '0')}`,
    },
  }
}

if (import.meta.main) {
  await benchIntake()
  process.exit(0)
}
