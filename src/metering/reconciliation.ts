import type { Environment } from '#platform/config'

/** @public */
export type Finding = {
  /** what kind of place disagrees, for a program; `where` and `detail` are for people */
  kind: string
  where: string
  detail: string
}

/** The same calls, counted at each place. @public */
export type ReconciledDay = {
  environment: Environment
  day: string
  /** records on this disk, when a journal folder was read */
  journal?: number
  segments: number
  /** undefined when the raw records were dropped after retention */
  raw?: number
  rollup: number
  /** what usage shows, and the calls of callers that were not recognised */
  usage: number
  unattributed: number
  units: number
  amount: string
  currency: string
  agrees: boolean
}

/** @public */
export type Reconciliation = {
  /** false when something needs a person */
  agrees: boolean
  /** the same for a terminal */
  text: string
  at: string
  days: ReconciledDay[]
  /** what needs a person: disagreement, gap, quarantine, lost or altered evidence, calls without a price */
  faults: Finding[]
  /** what is as it should be and not final: segments on their way, exchanges that came twice and count once */
  notes: Finding[]
}

/** The report for a terminal. */
export function describeReconciliation(report: Omit<Reconciliation, 'text'>): string {
  const rows = report.days.map((day) => [
    day.environment,
    day.day,
    day.journal === undefined ? '-' : String(day.journal),
    String(day.segments),
    day.raw === undefined ? 'dropped' : String(day.raw),
    String(day.rollup),
    String(day.usage + day.unattributed),
    String(day.units),
    `${day.amount} ${day.currency}`,
    day.agrees ? 'agrees' : 'DIFFERS',
  ])
  const head = [
    'environment',
    'day',
    'journal',
    'segments',
    'raw',
    'rollup',
    'usage',
    'units',
    'amount',
    '',
  ]
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  const list = (title: string, findings: readonly Finding[]) =>
    findings.length === 0
      ? []
      : ['', `${title}:`, ...findings.map((f) => `  ${f.kind}: ${f.where}: ${f.detail}`)]
  return [
    line(head),
    ...rows.map(line),
    ...list('To mend', report.faults),
    ...list('To know', report.notes),
    '',
    report.agrees
      ? 'Journal, segments, raw records, sums and usage agree.'
      : `${report.faults.length} thing${report.faults.length === 1 ? '' : 's'} to mend.`,
  ].join('\n')
}
