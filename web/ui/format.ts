/** Amounts are decimal strings from end to end; nothing here computes with them. */
export function decimalText(amount: string): string {
  const [whole = '0', fraction = ''] = amount.split('.')
  const kept = fraction.replace(/0+$/, '').padEnd(2, '0')
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')
  return `${grouped}.${kept}`
}

export const isZero = (amount: string): boolean => /^-?0*\.?0*$/.test(amount)

export const priceText = (amount: string, currency: string): string =>
  isZero(amount) ? 'free' : `${decimalText(amount)} ${currency}`

export const amountText = (amount: string, currency: string): string =>
  `${decimalText(amount)} ${currency}`

export const countText = (count: number): string =>
  new Intl.NumberFormat('en', { useGrouping: true }).format(count).replaceAll(',', '\u202f')

export function dateText(iso: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  }).format(new Date(iso))
}

export function timeText(iso: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).format(new Date(iso))
}

/** "3 minutes ago", for what happened lately; the date for the rest. */
export function agoText(iso: string, now: Date): string {
  const seconds = Math.round((now.getTime() - new Date(iso).getTime()) / 1_000)
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`
  return dateText(iso)
}

/** The time of day to the millisecond. */
export function clockText(ms: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  }).format(new Date(ms))
}

/** A name that somebody chose, inside a text: whichever way it runs, the words around it keep their order. */
export const isolated = (name: string): string => `\u2068${name}\u2069`
