import { Decimal } from 'decimal.js'
import type { Kysely, Transaction } from 'kysely'
import type { Contracts } from '#contracts'
import { listSegments } from '#journal'
import type { Platform } from '#platform/module'
import { reconcileJournal } from './reconcile-journal.ts'
import {
  atOneMoment,
  brokenLinks,
  countDays,
  countDuplicates,
  type DayCounts,
  type Difference,
  priceCopies,
  quarantined,
  rollupDifferences,
  type SegmentLink,
  segmentDifferences,
  totalDifferences,
  unitsByPrice,
} from './reconcile-store.ts'
import {
  describeReconciliation,
  type Finding,
  type ReconciledDay,
  type Reconciliation,
} from './reconciliation.ts'
import type { MeteringTables } from './tables.ts'
import { usageQuery } from './usage-store.ts'

type Reconciling = Pick<Platform, 'clock'> & {
  db: Kysely<MeteringTables>
  contracts: Pick<Contracts, 'price'>
  currency: string
}

type Trx = Transaction<MeteringTables>
// Far more digits than 18 + 12 of a price times any count.
const Exact = Decimal.clone({ precision: 100 })

/**
 * Counts the same calls at every place where they are: journal files, applied segments, raw records, sums, usage; and
 * the amounts once more, by other arithmetic and from the prices as contracts has them.
 */
export async function reconcile(
  { db, clock, contracts, currency }: Reconciling,
  options: { journalFolder?: string | undefined } = {},
): Promise<Reconciliation> {
  // Before the database: what the disk calls shipped by now must be counted in what is read afterwards.
  const files = options.journalFolder === undefined ? [] : listSegments(options.journalFolder)
  return await atOneMoment(db, async (trx) => {
    const journal = await reconcileJournal(trx, files)
    const prices = await checkPrices(trx, contracts)
    const days: ReconciledDay[] = []
    const faults: Finding[] = [...journal.faults]
    faults.push(...linkFaults(await brokenLinks(trx), journal.waiting))
    faults.push(...differences('segments', await totalDifferences(trx)))
    faults.push(...differences('raw', await segmentDifferences(trx)))
    faults.push(...differences('rollup', await rollupDifferences(trx)))
    faults.push(...prices.faults)
    const amounts = await expectedAmounts(trx, prices.units, currency)
    for (const counts of await countDays(trx)) {
      const { day, findings } = await reconcileDay(trx, counts, {
        currency,
        journal:
          options.journalFolder === undefined
            ? undefined
            : (journal.records.get(`${counts.environment} ${counts.day}`) ?? 0),
        amount: amounts.get(`${counts.environment} ${counts.day}`) ?? new Exact(0),
      })
      days.push(day)
      faults.push(...findings)
    }
    for (const one of await quarantined(trx)) {
      faults.push({
        kind: 'quarantine',
        where: `segment ${one.sequence} of ${one.gateway_id} ${one.boot} (${one.environment})`,
        detail: one.reason,
      })
    }
    const duplicates = await countDuplicates(trx)
    const notes: Finding[] = [...journal.waiting]
    if (duplicates > 0)
      notes.push({
        kind: 'duplicate',
        where: 'all segments',
        detail: `${duplicates} records named an exchange that had been counted; it counts once`,
      })
    const report = {
      agrees: faults.length === 0,
      at: clock.now().toISOString(),
      days,
      faults,
      notes,
    }
    return { ...report, text: describeReconciliation(report) }
  })
}

function linkFaults(links: readonly SegmentLink[], waiting: readonly Finding[]): Finding[] {
  return links.flatMap((link) => {
    const where = `segment ${link.sequence} of ${link.gateway_id} ${link.boot} (${link.environment})`
    const follows = link.sequence === (link.before_sequence ?? -1) + 1
    // A leftover that was sealed after its predecessors had left the disk cannot name them.
    if (follows && link.recovered && link.previous_sha256 === null) return []
    if (follows)
      return [{ kind: 'chain', where, detail: 'it does not follow the segment before it by hash' }]
    const from = (link.before_sequence ?? -1) + 1
    const onItsWay = Array.from({ length: Math.min(link.sequence - from, 1_000) }, (_, i) =>
      waiting.some((one) =>
        one.where.startsWith(`segment ${from + i} of ${link.gateway_id} ${link.boot}`),
      ),
    ).every(Boolean)
    if (onItsWay) return []
    const which =
      from === link.sequence - 1
        ? `segment ${from} is`
        : `segments ${from} to ${link.sequence - 1} are`
    return [{ kind: 'gap', where, detail: `${which} missing before it` }]
  })
}

const differences = (kind: string, found: readonly Difference[]): Finding[] =>
  found.map(({ what, expected, found: there }) => ({
    kind,
    where: what,
    detail:
      expected === there
        ? 'the units or times differ'
        : `${expected} were expected, ${there} are there`,
  }))

/** The prices of the sums must be the ones of contracts, and be there. */
async function checkPrices(
  trx: Trx,
  contracts: Pick<Contracts, 'price'>,
): Promise<{ faults: Finding[]; units: Map<string, { unit: string; currency: string }> }> {
  const faults: Finding[] = []
  const units = new Map<string, { unit: string; currency: string }>()
  for (const copy of await priceCopies(trx)) {
    const price = await contracts.price(copy.price_id)
    if (price !== undefined) units.set(copy.price_id, price)
    const same =
      price !== undefined &&
      new Exact(price.unit).eq(copy.unit) &&
      new Exact(price.list).eq(copy.list) &&
      price.currency === copy.currency
    if (!same)
      faults.push({
        kind: 'price',
        where: copy.price_id,
        detail:
          price === undefined
            ? 'contracts does not know this price version'
            : `sums are rated with ${copy.unit} ${copy.currency}; the price version says ${price.unit} ${price.currency}`,
      })
  }
  for (const { price_id, units: count, environment, day } of await unitsByPrice(trx)) {
    if (count === 0 || units.has(price_id)) continue
    faults.push({
      kind: 'unrated',
      where: `${environment} ${day}`,
      detail:
        price_id === ''
          ? `${count} billable calls name no price version`
          : `${count} billable calls name ${price_id}, which nobody knows`,
    })
  }
  return { faults, units }
}

async function expectedAmounts(
  trx: Trx,
  prices: ReadonlyMap<string, { unit: string; currency: string }>,
  currency: string,
): Promise<Map<string, Decimal>> {
  const amounts = new Map<string, Decimal>()
  for (const { environment, day, price_id, units } of await unitsByPrice(trx)) {
    const price = prices.get(price_id)
    if (price === undefined || price.currency !== currency) continue
    const key = `${environment} ${day}`
    amounts.set(key, new Exact(price.unit).mul(units).add(amounts.get(key) ?? 0))
  }
  return amounts
}

async function reconcileDay(
  trx: Trx,
  counts: DayCounts,
  known: { currency: string; journal: number | undefined; amount: Decimal },
): Promise<{ day: ReconciledDay; findings: Finding[] }> {
  const { environment, day } = counts
  const everything = { partnerId: undefined, applicationId: undefined, apiId: undefined }
  const period = { from: day, to: day, timeZone: 'UTC', environment }
  // The total comes first, so one row is enough.
  const usage = await usageQuery({ ...period, ...everything }, known.currency, 0).execute(trx)
  const total = usage.rows[0]
  const used = { calls: total?.calls ?? 0, units: total?.units ?? 0, amount: total?.amount ?? '0' }
  const segments = counts.segment_records - counts.duplicates
  const segmentUnits = counts.segment_units - counts.duplicate_units
  const findings: Finding[] = []
  const expect = (
    kind: string,
    expected: number | string,
    found: number | string,
    what: string,
  ) => {
    if (expected !== found)
      findings.push({
        kind,
        where: `${environment} ${day}`,
        detail: `${what}: ${expected} were expected, ${found} are there`,
      })
  }
  if (counts.kept) {
    expect('raw', segments, counts.raw_records, 'raw records')
    expect('raw', segmentUnits, counts.raw_units, 'units of raw records')
  }
  expect('rollup', segments, counts.rollup_calls, 'calls in the sums')
  expect('rollup', segmentUnits, counts.rollup_units, 'units in the sums')
  expect('usage', counts.rollup_calls, used.calls + counts.unattributed_calls, 'calls in usage')
  expect('usage', counts.rollup_units, used.units + counts.unattributed_units, 'units in usage')
  expect('usage', known.amount.toFixed(), new Exact(used.amount).toFixed(), 'amount in usage')
  return {
    findings,
    day: {
      environment,
      day,
      ...(known.journal !== undefined && { journal: known.journal }),
      segments,
      ...(counts.kept && { raw: counts.raw_records }),
      rollup: counts.rollup_calls,
      usage: used.calls,
      unattributed: counts.unattributed_calls,
      units: used.units,
      amount: used.amount,
      currency: known.currency,
      agrees: findings.length === 0,
    },
  }
}
