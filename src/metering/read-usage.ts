import type { Kysely } from 'kysely'
import { isTimeZone } from '#contracts'
import { AppError, invalidArgument, type Violation } from '#platform/app-error'
import type { Usage } from './schema.ts'
import type { MeteringTables } from './tables.ts'
import { freshUntil, type UsageFilter, type UsageSum, usageQuery } from './usage-store.ts'

const rowLimit = 10_000
const longestDays = 366
const dayMs = 86_400_000

/**
 * What was used in these days, and what it costs, exact.
 * @throws AppError INVALID_ARGUMENT for a period or time zone that is none; OUT_OF_RANGE for one that is too long
 */
export async function readUsage(
  db: Kysely<MeteringTables>,
  currency: string,
  filter: UsageFilter,
): Promise<Usage> {
  refuseBadPeriod(filter)
  const [{ rows }, fresh] = await Promise.all([
    usageQuery(filter, currency, rowLimit + 1).execute(db),
    freshUntil(db, filter.environment),
  ])
  const [total, ...sums] = rows
  return {
    from: filter.from,
    to: filter.to,
    timeZone: filter.timeZone,
    ...(fresh !== undefined && { freshUntil: fresh.toISOString() }),
    total: {
      calls: total?.calls ?? 0,
      units: total?.units ?? 0,
      amount: total?.amount ?? '0',
      listAmount: total?.list_amount ?? '0',
      currency,
    },
    unrated: { calls: total?.unrated_calls ?? 0, units: total?.unrated_units ?? 0 },
    rows: sums.slice(0, rowLimit).flatMap(toRow),
    truncated: sums.length > rowLimit,
  }
}

function refuseBadPeriod({ from, to, timeZone }: UsageFilter): void {
  const violations: Violation[] = []
  const [start, end] = [Date.parse(from), Date.parse(to)]
  if (from.slice(0, 4) < '1970') violations.push({ path: 'from', message: 'is before 1970' })
  if (end < start) violations.push({ path: 'to', message: 'is before `from`' })
  if (!isTimeZone(timeZone))
    violations.push({ path: 'tz', message: 'is not an IANA time zone such as Europe/Berlin' })
  if (violations.length > 0) throw invalidArgument(violations)
  if ((end - start) / dayMs >= longestDays)
    throw new AppError('OUT_OF_RANGE', `Ask for at most ${longestDays} days at once.`)
}

const toRow = (sum: UsageSum): Usage['rows'] =>
  sum.day === null
    ? []
    : [
        {
          day: sum.day,
          environment: sum.environment,
          applicationId: sum.application_id,
          apiId: sum.api_id,
          operationId: sum.operation_id,
          status: sum.status,
          calls: sum.calls,
          units: sum.units,
          amount: sum.amount,
          listAmount: sum.list_amount,
          currency: sum.currency,
        },
      ]
