/** A number as its owner knows it again and nobody else learns it: `+990 •••• 42`. */
export function maskedNumber(number: string): string {
  const digits = number.replace(/^\+/, '')
  const shown = digits.length >= 10 ? `+${digits.slice(0, 3)} ` : ''
  return `${shown}•••• ${digits.slice(-2)}`
}
