import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { testContracts } from '#contracts/testing'
import { listSegments, type NewRecord, openJournal } from '#journal'
import type { Environment } from '#platform/config'
import { createInternalServer } from '#platform/internal-server'
import { createLog } from '#platform/log'
import type { Platform } from '#platform/module'
import type { SegmentClaim } from './apply-segment.ts'
import { createMetering } from './create-metering.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/** A segment as a gateway left it on its disk. @public */
export type WrittenSegment = { claim: SegmentClaim; bytes: Buffer; file: string }

/** Metering over real contracts on a database of its own; the present is 2026-03-01T12:00:00Z. @public */
export async function testMetering(t: TestContext) {
  const surroundings = await testContracts(t)
  const { platform, contracts } = surroundings
  const metering = createMetering(platform, { contracts })
  const plans = await contracts.plans()
  const priceOf = (plan: string, apiId = '*'): string =>
    plans.find((one) => one.name === plan)?.prices.find((price) => price.apiId === apiId)
      ?.priceId ?? ''
  return { ...surroundings, metering, priceOf }
}

/** An exchange of an application of `prt_1`; a test names what matters to it. @public */
export function exchange(id: string, more: Partial<NewRecord> = {}): NewRecord {
  return {
    id: `exc_${id}`,
    correlator: `c-${id}`,
    at: Date.parse('2026-03-01T10:00:00Z'),
    environment: 'sandbox',
    partnerId: 'prt_1',
    applicationId: 'app_s1',
    credentialId: 'crd_1',
    contractId: 'ctr_1',
    apiId: 'sim-swap/v2',
    operationId: 'checkSimSwap',
    method: 'POST',
    status: 200,
    upstreamStatus: 200,
    totalMs: 12.3456,
    upstreamMs: 10,
    requestBytes: 100,
    responseBytes: 200,
    units: 1,
    ...more,
  }
}

/** Writes each group of records as one segment, with the real journal of a gateway. @public */
export async function writeSegments(
  folder: string,
  groups: readonly (readonly NewRecord[])[],
  options: { gatewayId?: string; environment?: Environment } = {},
): Promise<WrittenSegment[]> {
  const gatewayId = options.gatewayId ?? 'gtw_1'
  const journal = await openJournal({
    folder,
    gatewayId,
    environment: options.environment ?? 'sandbox',
    sync: 'never',
    now: () => Date.parse('2026-03-01T11:59:58Z'),
    log: createLog({ name: 'test', level: 'silent' }),
    reserveBytes: 0,
    // Each group of one turn is more than a segment may hold, so each is one.
    segmentBytes: 1,
  })
  for (const group of groups) {
    await Promise.all(
      group.map(
        (record) =>
          new Promise<void>((resolve, reject) => {
            journal.append(record, (error) => (error === undefined ? resolve() : reject(error)))
          }),
      ),
    )
  }
  await journal.stop()
  return listSegments(folder)
    .filter((file) => file.boot === journal.boot && file.gatewayId === gatewayId)
    .map((file) => {
      const bytes = readFileSync(file.path)
      const { boot, sequence } = file
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      return { claim: { gatewayId, boot, sequence, sha256 }, bytes, file: file.path }
    })
}

/** The internal listener of control, as gateways reach it. @public */
export async function servedIntake(
  t: TestContext,
  platform: Platform,
  handlers: ReturnType<typeof createMetering>['internalHandlers'],
) {
  const server = createInternalServer({ host: '127.0.0.1', port: 0, ready: () => true, handlers })
  await server.start()
  t.after(() => server.stop())
  return async (
    segment: Pick<WrittenSegment, 'claim' | 'bytes'>,
    options: {
      token?: string
      environment?: Environment
      body?: Buffer<ArrayBuffer>
      headers?: Record<string, string>
    } = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const token =
      options.token ?? platform.sealing.machineToken(`intake:${options.environment ?? 'sandbox'}`)
    const response = await fetch(`http://127.0.0.1:${server.port()}/internal/v1/journal/segments`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-encoding': 'gzip',
        'x-wayleave-gateway': segment.claim.gatewayId,
        'x-wayleave-boot': segment.claim.boot,
        'x-wayleave-sequence': String(segment.claim.sequence),
        'x-wayleave-sha256': segment.claim.sha256,
        ...options.headers,
      },
      body: options.body ?? gzipSync(segment.bytes),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
}

/** How many rows each table of the module has. @public */
export async function countRows(platform: Platform) {
  const count = async (table: string): Promise<number> => {
    const { rows } = await sql<{
      n: number
    }>`select count(*) as n from ${sql.id('metering', table)}`.execute(
      platform.database.as<unknown>(),
    )
    return rows[0]?.n ?? -1
  }
  const { rows } = await sql<{ calls: number; units: number }>`
    select coalesce(sum(calls), 0)::bigint as calls, coalesce(sum(units), 0)::bigint as units
    from metering.rollup`.execute(platform.database.as<unknown>())
  return {
    segments: await count('segment'),
    records: await count('exchange'),
    quarantine: await count('quarantine'),
    duplicates: await count('duplicate'),
    calls: rows[0]?.calls ?? -1,
    units: rows[0]?.units ?? -1,
  }
}

/** Everything that the sums say, in an order of its own, to compare two databases. @public */
export async function rollupOf(platform: Platform): Promise<unknown[]> {
  const { rows } = await sql`
    select m.environment, m.partner_id, m.application_id, m.api_id, m.operation_id, m.contract_id, m.price_id,
      m.method, m.credential_id, r.bucket, r.status, r.calls, r.units, r.total_us
    from metering.rollup r join metering.meter m on m.id = r.meter_id
    order by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11`.execute(platform.database.as<unknown>())
  return rows
}
