import type { IDToken } from 'openid-client'
import { nameInSentence, shownName } from '#platform/shown-name'
import type { IdentityProvider } from './identity-provider.ts'
import { ProviderError } from './provider-error.ts'

/** of the clocks of two companies */
export const skewSeconds = 60
/** An ID token is made for this sign-in, so it is new. */
const mostTokenAgeSeconds = 600

/** What a provider says of whoever signed in, checked and cut to what is used. */
export type ProvidedClaims = {
  subject: string
  /** lower case; only when the provider has verified it */
  email: string | undefined
  name: string | undefined
  /** of the claim that roles are read from */
  values: readonly string[]
  /** when the person last showed itself to the provider */
  provedAt: Date | undefined
  signOutUrl: string | undefined
}

/** What openid-client leaves to whoever asks. @throws ProviderError */
export function checkClaims(provider: IdentityProvider, claims: IDToken, now: Date): void {
  const age = now.getTime() / 1_000 - claims.iat
  if (age > mostTokenAgeSeconds || age < -skewSeconds)
    throw new ProviderError('its ID token was not issued just now: look at the clocks')
  if (!isText(claims.sub, 255)) throw new ProviderError('its subject (sub) is too long')
  const { acrValues } = provider
  const acr = isText(claims.acr, 255) ? claims.acr : undefined
  if (acrValues.length > 0 && (acr === undefined || !acrValues.includes(acr)))
    throw new ProviderError(
      `it signed the person in with ${acr === undefined ? 'no acr' : `the acr ${acr}`}, not with ${acrValues.join(' or ')}`,
    )
}

export function readClaims(
  provider: IdentityProvider,
  claims: Record<string, unknown> & { sub: string },
): Omit<ProvidedClaims, 'signOutUrl'> {
  const { email, email_verified: verified, name, auth_time: authTime } = claims
  const values = provider.roleClaim === undefined ? [] : [claims[provider.roleClaim]].flat()
  return {
    subject: claims.sub,
    email: verified === true && isAddress(email) ? email.toLowerCase() : undefined,
    name: nameOf(name),
    values: values.filter((value) => isText(value, 255)),
    provedAt: typeof authTime === 'number' ? new Date(authTime * 1_000) : undefined,
  }
}

/** An address, too, is read by colleagues. */
const isAddress = (value: unknown): value is string =>
  isText(value, 254) && /^[^\s@]+@[^\s@]+$/.test(value) && isShownName.test(value)

/** Nobody is locked out by a name that colleagues could not read: what cannot be seen of it is left out. */
function nameOf(claim: unknown): string | undefined {
  if (!isText(claim, 120)) return undefined
  const name = isShownName.test(claim)
    ? claim.trim()
    : nameInSentence(claim).replaceAll(/[\u2068\u2069]/g, '')
  return isShownName.test(name) ? name : undefined
}

/** For somebody whose name the provider does not tell. A name is written into events, where no address belongs. */
export const nameFrom = (email: string): string => nameOf(email.split('@', 1)[0]) ?? 'Colleague'

const isShownName = new RegExp(shownName.pattern, 'u')

/** Text that can be stored and shown. */
const isText = (value: unknown, maxLength: number): value is string =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= maxLength &&
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  !/[\u0000-\u001f\u007f]/.test(value)
