type Jwk = Record<string, unknown>

const privateParts = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Reads what somebody pasted as a public key, and never lets a private one pass. */
export function readPublicJwk(text: string): { ok: true; jwk: Jwk } | { ok: false; fault: string } {
  if (/PRIVATE KEY/.test(text))
    return {
      ok: false,
      fault:
        'This is a private key. It was not sent. Treat it as leaked if you pasted it elsewhere, and paste the public JWK.',
    }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, fault: 'This is not JSON. A JWK begins with { and has a "kty".' }
  }
  const jwk = keyOf(value)
  if (jwk === undefined) return { ok: false, fault: 'There is no key in it: "kty" is missing.' }
  if (privateParts.some((part) => part in jwk))
    return {
      ok: false,
      fault:
        'This JWK has its private part. It was not sent. Remove it, and paste the public part only.',
    }
  return { ok: true, jwk }
}

/** A single JWK, or a set with one key in it. */
function keyOf(value: unknown): Jwk | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if ('keys' in value && Array.isArray(value.keys) && value.keys.length === 1)
    return keyOf(value.keys[0])
  return 'kty' in value ? (value as Jwk) : undefined
}
