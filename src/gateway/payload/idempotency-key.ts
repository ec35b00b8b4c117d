/** A text of RFC 8941 (section 3.3.3) without parameters: `"…"`, in which a quote and a backslash are escaped. */
const quoted = /^"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$/
const bare = /^[\x21\x23-\x7e][\x21-\x7e]*$/
const longest = 255

/**
 * Reads an Idempotency-Key field (draft-ietf-httpapi-idempotency-key-header): 1 to 255 visible characters, quoted as the
 * draft says or bare as most clients send it; both spellings are the same key. Two fields arrive as one with a space.
 * @returns undefined for anything else
 * @public
 */
export function parseIdempotencyKey(field: string | readonly string[]): string | undefined {
  if (typeof field !== 'string') return undefined
  const text = quoted.exec(field)?.[1]?.replaceAll(/\\(["\\])/g, '$1')
  const key = text ?? (bare.test(field) ? field : undefined)
  return key !== undefined && key.length <= longest ? key : undefined
}
