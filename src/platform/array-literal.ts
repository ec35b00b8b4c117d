/**
 * A PostgreSQL array literal. The driver's own encoding of arrays costs more than everything else that the intake does
 * for a record.
 * @public
 */
export function arrayLiteral(values: readonly (string | number | null | undefined)[]): string {
  let literal = '{'
  let separator = ''
  for (const value of values) {
    literal += separator
    separator = ','
    if (value === undefined || value === null) literal += 'NULL'
    else if (typeof value === 'number') literal += value
    else if (value.includes('"') || value.includes('\\'))
      literal += `"${value.replace(/["\\]/g, '\\$&')}"`
    else literal += `"${value}"`
  }
  return `${literal}}`
}
