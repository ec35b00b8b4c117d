import { setting } from './setting-parsers.ts'

/** Days, or `forever`. */
const days = (value: string): number | 'forever' => {
  const number = Number(value)
  if (value === 'forever') return value
  if (!/^\d{1,5}$/.test(value) || number < 30 || number > 36_500)
    throw new Error('must be a number of days, 30 to 36500, or forever')
  return number
}

/** How long the contents of evidence are kept; their hashes stay for ever. */
export const retentionSettings = {
  WAYLEAVE_KEEP_EXCHANGE_EVIDENCE: setting(
    'days that evidence of calls about people is kept, or forever (1095)',
    days,
  ),
  WAYLEAVE_KEEP_CONSENT_EVIDENCE: setting(
    'days that evidence of a consent is kept after it has ended, or forever (3650)',
    days,
  ),
  WAYLEAVE_KEEP_ACTION_EVIDENCE: setting(
    'days that evidence of what staff, partners and the platform did is kept, or forever (forever)',
    days,
  ),
} as const

type RetentionValues = {
  [K in keyof typeof retentionSettings]?: ReturnType<(typeof retentionSettings)[K]['parse']>
}

/** Days, or undefined for ever. @public */
export type RetentionConfig = Readonly<{
  exchanges: number | undefined
  consents: number | undefined
  actions: number | undefined
}>

export function retentionConfigOf(values: RetentionValues): RetentionConfig {
  const finite = (value: number | 'forever'): number | undefined =>
    value === 'forever' ? undefined : value
  return {
    exchanges: finite(values.WAYLEAVE_KEEP_EXCHANGE_EVIDENCE ?? 1_095),
    consents: finite(values.WAYLEAVE_KEEP_CONSENT_EVIDENCE ?? 3_650),
    actions: finite(values.WAYLEAVE_KEEP_ACTION_EVIDENCE ?? 'forever'),
  }
}
