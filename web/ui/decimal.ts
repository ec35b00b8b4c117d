/** Sums of exact amounts: decimal strings in, a decimal string out, no floating point between. */
export function sumDecimals(amounts: readonly string[]): string {
  const scale = Math.max(0, ...amounts.map((a) => a.split('.')[1]?.length ?? 0))
  const total = amounts.reduce((sum, amount) => sum + scaled(amount, scale), 0n)
  return unscaled(total, scale)
}

function scaled(amount: string, scale: number): bigint {
  const negative = amount.startsWith('-')
  const [whole = '0', fraction = ''] = amount.replace(/^[-+]/, '').split('.')
  const value = BigInt(`${whole}${fraction.padEnd(scale, '0')}`)
  return negative ? -value : value
}

function unscaled(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`
  return `${value < 0n ? '-' : ''}${whole}${fraction}`
}
