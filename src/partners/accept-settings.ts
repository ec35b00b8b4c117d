import type { Violation } from '#platform/app-error'
import {
  type CertificateMethod,
  certificateMethods,
} from '#platform/client-certificates/certificate-methods'
import type { Environment } from '#platform/config'
import type { NewAuthorizationSettings } from './authorization-schema.ts'
import {
  type AuthenticationMethod,
  authenticationMethods,
  type ClientGrant,
  defaultClientSettings,
  type StoredSettings,
} from './client-settings.ts'
import { acceptRedirectUri } from './redirect-uri.ts'

/** What settings are held against besides themselves. */
export type SettingsNeeds = {
  environment: Environment
  isPurpose: (text: string) => boolean
  /** undefined when no published API has the scope */
  basisOf: (scope: string, purpose: string | undefined) => Promise<string | undefined>
  /** why nothing is fetched from an address, or nothing */
  addressFault: (address: string) => string | undefined
  hasPublicKey: boolean
  /** why nobody can authenticate by a certificate so, or nothing */
  certificateFault: (method: CertificateMethod) => string | undefined
}

/** Settings as they are kept, or every fault of them. */
export async function acceptSettings(
  input: Omit<NewAuthorizationSettings, 'revision'>,
  needs: SettingsNeeds,
): Promise<{ settings: StoredSettings } | { faults: Violation[] }> {
  const faults: Violation[] = []
  const addresses = (name: 'redirectUris' | 'postLogoutRedirectUris'): string[] =>
    acceptAddresses(input[name] ?? [], name, needs.environment, faults)
  const settings = withProfile(input, {
    redirectUris: addresses('redirectUris'),
    postLogoutRedirectUris: addresses('postLogoutRedirectUris'),
  })
  const { jwksUri } = input
  const unreachable = jwksUri === undefined ? undefined : needs.addressFault(jwksUri)
  if (unreachable !== undefined) faults.push({ path: '/jwksUri', message: unreachable })
  await checkGrants(settings.grants, needs, faults)
  checkTogether(settings, needs, faults)
  checkProfile(input, settings, faults)
  return faults.length > 0 ? { faults } : { settings }
}

function acceptAddresses(
  given: readonly string[],
  name: string,
  environment: Environment,
  faults: Violation[],
): string[] {
  const kept: string[] = []
  for (const [index, text] of given.entries()) {
    const path = `/${name}/${index}`
    const accepted = acceptRedirectUri(text, environment)
    if ('fault' in accepted) faults.push({ path, message: accepted.fault })
    else if (kept.includes(accepted.uri)) faults.push({ path, message: 'is listed already' })
    else kept.push(accepted.uri)
  }
  return kept
}

const withoutSecret = authenticationMethods.filter((method) => !method.startsWith('client_secret'))

/** FAPI 2.0 decides what is not said: keys instead of secrets, bound tokens, pushed requests. */
function withProfile(
  input: Omit<NewAuthorizationSettings, 'revision'>,
  addresses: Pick<StoredSettings, 'redirectUris' | 'postLogoutRedirectUris'>,
): StoredSettings {
  const { certificates: _, ...standard } = defaultClientSettings
  const profile = input.profile ?? 'standard'
  const fapi = profile === 'fapi2'
  return {
    ...addresses,
    ...(input.jwksUri !== undefined && { jwksUri: input.jwksUri }),
    authenticationMethods:
      input.authenticationMethods ?? (fapi ? withoutSecret : standard.authenticationMethods),
    grants: input.grants ?? standard.grants,
    refreshTokens: input.refreshTokens ?? false,
    profile,
    senderConstraint: input.senderConstraint ?? (fapi ? 'either' : 'none'),
    requirePar: input.requirePar ?? fapi,
    requireSignedRequest: input.requireSignedRequest ?? false,
  }
}

async function checkGrants(
  grants: readonly ClientGrant[],
  needs: SettingsNeeds,
  faults: Violation[],
): Promise<void> {
  const seen = new Map<string, number>()
  for (const [index, { grantType, purpose, scopes }] of grants.entries()) {
    const path = `/grants/${index}`
    const known = purpose === undefined || needs.isPurpose(purpose)
    if (!known)
      faults.push({
        path: `${path}/purpose`,
        message: purpose?.includes('#')
          ? 'is the old form, a purpose and scopes joined by #: name the purpose alone, and the scopes in scopes'
          : 'is no purpose of the Data Privacy Vocabulary: GET /management/v1/purposes lists them',
      })
    if (purpose === undefined && grantType !== 'client_credentials')
      faults.push({
        path: `${path}/purpose`,
        message: 'is needed: with this grant a request is about a subscriber, for one purpose',
      })
    // Without its purpose nobody knows what else is at fault.
    if (purpose === undefined && grantType !== 'client_credentials') continue
    for (const [i, scope] of (scopes === '*' ? ['*'] : scopes).entries()) {
      const at = scopes === '*' ? `${path}/scopes` : `${path}/scopes/${i}`
      const key = `${purpose ?? ''} ${scope}`
      const other = seen.get(key)
      seen.set(key, index)
      const message =
        other !== undefined && other !== index
          ? `has a grant for this purpose already (grants/${other}): a scope has one grant type for each purpose`
          : scope === '*' || !known
            ? undefined
            : await scopeFault(scope, purpose, needs)
      if (message !== undefined) faults.push({ path: at, message })
    }
  }
}

async function scopeFault(
  scope: string,
  purpose: string | undefined,
  needs: SettingsNeeds,
): Promise<string | undefined> {
  switch (await needs.basisOf(scope, purpose)) {
    case undefined:
      return 'is a scope of no API: the pages of an API list those that it has'
    case 'not-allowed':
      return 'may not be used for this purpose: the page of its API lists the purposes'
    default:
      return undefined
  }
}

function checkTogether(
  settings: StoredSettings,
  { hasPublicKey, certificateFault }: SettingsNeeds,
  faults: Violation[],
): void {
  const uses = (grantType: string): boolean =>
    settings.grants.some((g) => g.grantType === grantType)
  const code = uses('authorization_code')
  if (code && settings.redirectUris.length === 0 && !faults.some(isAddress))
    faults.push({
      path: '/redirectUris',
      message: 'needs an address: a grant uses authorization_code',
    })
  if (settings.refreshTokens && !code && !uses('urn:openid:params:grant-type:ciba'))
    faults.push({
      path: '/refreshTokens',
      message: 'is for authorization_code and CIBA, and no grant uses them',
    })
  if (settings.requireSignedRequest && settings.jwksUri === undefined && !hasPublicKey)
    faults.push({
      path: '/requireSignedRequest',
      message: 'needs keys: register a public key, or give jwksUri',
    })
  // Whoever may show a certificate at all may bind a token to it.
  const nowhere = certificateFault('self_signed_tls_client_auth')
  if (settings.senderConstraint === 'certificate' && nowhere !== undefined)
    faults.push({ path: '/senderConstraint', message: `cannot be certificate: ${nowhere}` })
  const why = settings.authenticationMethods.map((method) =>
    isCertificateMethod(method) ? certificateFault(method) : undefined,
  )
  const [first] = why
  if (first !== undefined && !why.includes(undefined))
    faults.push({ path: '/authenticationMethods', message: `needs another one: ${first}` })
}

export const isCertificateMethod = (method: AuthenticationMethod): method is CertificateMethod =>
  certificateMethods.some((one) => one === method)

/** An address that is at fault is there, and told of. */
const isAddress = ({ path }: Violation): boolean => path.startsWith('/redirectUris')

/** FAPI 2.0 Security Profile, sections 5.3.2 and 5.3.3: what it demands cannot be taken back beside it. */
function checkProfile(
  input: Omit<NewAuthorizationSettings, 'revision'>,
  settings: StoredSettings,
  faults: Violation[],
): void {
  if (settings.profile !== 'fapi2') return
  for (const [index, method] of settings.authenticationMethods.entries())
    if (method.startsWith('client_secret'))
      faults.push({
        path: `/authenticationMethods/${index}`,
        message: 'is a shared secret, which FAPI 2.0 forbids: use private_key_jwt or a certificate',
      })
  if (input.senderConstraint === 'none')
    faults.push({
      path: '/senderConstraint',
      message: 'cannot be none with FAPI 2.0: tokens are bound to a certificate or to a DPoP key',
    })
  if (input.requirePar === false)
    faults.push({ path: '/requirePar', message: 'cannot be false with FAPI 2.0' })
}
