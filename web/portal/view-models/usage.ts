import type { Usage, UsageRow } from '#metering/schema'
import { sumDecimals } from '../../ui/decimal.ts'

export const groupings = ['API', 'Operation', 'Application', 'Status', 'Day'] as const
export type Grouping = (typeof groupings)[number]

export type UsageGroup = {
  key: string
  calls: number
  units: number
  amount: string
  listAmount: string
}

/** @param nameOf how an application is called */
export function groupUsage(
  rows: readonly UsageRow[],
  by: Grouping,
  nameOf: (applicationId: string) => string,
): UsageGroup[] {
  const groups = new Map<string, UsageRow[]>()
  for (const row of rows) {
    const key = keyOf(row, by, nameOf)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  const totals = [...groups].map(
    ([key, members]): UsageGroup => ({
      key,
      calls: members.reduce((sum, row) => sum + row.calls, 0),
      units: members.reduce((sum, row) => sum + row.units, 0),
      amount: sumDecimals(members.map((row) => row.amount)),
      listAmount: sumDecimals(members.map((row) => row.listAmount)),
    }),
  )
  return by === 'Day'
    ? totals.toSorted((a, b) => b.key.localeCompare(a.key))
    : totals.toSorted((a, b) => b.calls - a.calls || a.key.localeCompare(b.key))
}

function keyOf(row: UsageRow, by: Grouping, nameOf: (id: string) => string): string {
  switch (by) {
    case 'API':
      return row.apiId === '' ? 'no API' : row.apiId
    case 'Operation':
      return row.operationId === '' ? 'no operation' : `${row.apiId} ${row.operationId}`
    case 'Application':
      return nameOf(row.applicationId)
    case 'Status':
      return String(row.status)
    case 'Day':
      return row.day
  }
}

export type ChartData = { days: Record<string, string | number>[]; series: string[] }

const maxSeries = 5
const rest = 'other'

/** Calls of each day, a bar for each of the busiest groups; every day of the period is there, also the empty ones. */
export function chartOf(
  usage: Pick<Usage, 'from' | 'to' | 'rows'>,
  by: Grouping,
  nameOf: (applicationId: string) => string,
): ChartData {
  const single = by === 'Day'
  const busiest = single
    ? ['calls']
    : groupUsage(usage.rows, by, nameOf)
        .slice(0, maxSeries)
        .map((group) => group.key)
  const days = daysBetween(usage.from, usage.to).map((day) => {
    const point: Record<string, string | number> = { day }
    for (const name of busiest) point[name] = 0
    return point
  })
  const byDay = new Map(days.map((point) => [point.day, point]))
  let other = false
  for (const row of usage.rows) {
    const point = byDay.get(row.day)
    if (point === undefined) continue
    const key = single ? 'calls' : keyOf(row, by, nameOf)
    const name = busiest.includes(key) ? key : rest
    other ||= name === rest
    point[name] = Number(point[name] ?? 0) + row.calls
  }
  return { days, series: other ? [...busiest, rest] : busiest }
}

export function daysBetween(from: string, to: string): string[] {
  const days: string[] = []
  const end = Date.parse(to)
  for (let at = Date.parse(from); at <= end && days.length < 400; at += 86_400_000)
    days.push(new Date(at).toISOString().slice(0, 10))
  return days
}

/** The period that ends today. */
export function lastDays(count: number, now: Date): { from: string; to: string } {
  const to = now.toISOString().slice(0, 10)
  const from = new Date(Date.parse(to) - (count - 1) * 86_400_000).toISOString().slice(0, 10)
  return { from, to }
}

/** The rows as a file for a spreadsheet. A value that begins like a formula is made text. */
export function usageCsv(rows: readonly UsageRow[]): string {
  const columns = [
    'day',
    'environment',
    'applicationId',
    'apiId',
    'operationId',
    'status',
    'calls',
    'units',
    'amount',
    'listAmount',
    'currency',
  ] as const
  const cell = (value: string | number): string => {
    const text = String(value)
    const safe = /^[=+\-@\t]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  return [columns.join(','), ...rows.map((row) => columns.map((c) => cell(row[c])).join(','))].join(
    '\r\n',
  )
}
