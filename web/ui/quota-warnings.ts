import type { Contract } from '#contracts/schema'
import { countText, timeText } from './format.ts'

export type QuotaLine = { key: string; text: string; tone: 'warn' | 'bad'; now: boolean }

type Warned = Pick<Contract, 'quotaWarnings' | 'timeZone'>

/** What a contract's warnings say in words, newest first; `now` is whether their month or day still runs. */
export function quotaLines(contract: Warned, now: Date): QuotaLine[] {
  const running = dayIn(contract.timeZone, now)
  return contract.quotaWarnings.map(({ period, percent, quota, at }) => {
    const current = running.startsWith(period)
    const what = `the quota of ${countText(quota)} calls for ${periodText(period)}`
    const usedUp = current
      ? ' Further calls are refused until the period ends or the quota is raised.'
      : ''
    return {
      key: `${period} ${percent}`,
      text:
        percent >= 100
          ? `${timeText(at)}: ${what} was used up.${usedUp}`
          : `${timeText(at)}: ${percent} % of ${what} was used.`,
      tone: percent >= 100 ? 'bad' : 'warn',
      now: current,
    }
  })
}

/** `2026-03-09` in a time zone. */
function dayIn(timeZone: string, now: Date): string {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(now)
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')}`
}

/** `2026-03` is March 2026, `2026-03-09` is 9 March 2026. */
function periodText(period: string): string {
  const [year = '', month = '', day] = period.split('-')
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1)))
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: 'UTC',
    month: 'long',
    year: 'numeric',
    ...(day !== undefined && { day: 'numeric' }),
  }).format(date)
}
