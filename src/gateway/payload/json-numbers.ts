declare global {
  // ECMAScript 2026, "JSON.parse source text access"; not yet in the library of the compiler.
  interface JSON {
    rawJSON(text: string): { readonly rawJSON: string }
    isRawJSON(value: unknown): value is { readonly rawJSON: string }
  }
}

/**
 * The value of a sound text, in which a number that JavaScript would write otherwise (`10.00`, one of twenty digits) is
 * kept as it was written: `JSON.stringify` gives it back unchanged.
 * @public
 */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_name, value, context?: { source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
      ? JSON.rawJSON(context.source)
      : value,
  )
}

/**
 * The number that a value of `parseExactly` stands for; undefined for anything else.
 * @public
 */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return JSON.isRawJSON(value) ? Number(value.rawJSON) : undefined
}

/**
 * The text of an id, each digit as it was written: a number of twenty digits is not the one beside it.
 * @public
 */
export function idTextOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  return JSON.isRawJSON(value) ? value.rawJSON : undefined
}
