import type { AuthorizationSettings } from '#partners/schema'

type Grant = AuthorizationSettings['grants'][number]
export type GrantType = Grant['grantType']

/** One row of the form; without a purpose it is for requests that name none. */
export type GrantRow = { row: number; purpose: string; grantType: GrantType; scopes: string }

/** The settings as a person edits them: lists as lines. */
export type SignInForm = {
  redirectUris: string
  postLogoutRedirectUris: string
  jwksUri: string
  grants: GrantRow[]
  authenticationMethods: string[]
  senderConstraint: AuthorizationSettings['senderConstraint']
  fapi: boolean
  refreshTokens: boolean
  requirePar: boolean
  requireSignedRequest: boolean
}

export const grantTypes: readonly { value: GrantType; label: string }[] = [
  { value: 'authorization_code', label: 'In the subscriber’s browser or app (authorization code)' },
  {
    value: 'urn:openid:params:grant-type:ciba',
    label: 'Asked on the phone, in the background (CIBA)',
  },
  {
    value: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    label: 'With the subscriber’s number, asking nobody (JWT bearer)',
  },
  { value: 'client_credentials', label: 'As the application itself (client credentials)' },
]

export const senderConstraints: readonly {
  value: SignInForm['senderConstraint']
  label: string
}[] = [
  { value: 'none', label: 'No: whoever has a token may use it' },
  { value: 'certificate', label: 'To a client certificate (mTLS)' },
  { value: 'dpop', label: 'To a key that signs each call (DPoP)' },
  { value: 'either', label: 'To either of the two' },
]

const methods: readonly { value: string; label: string }[] = [
  { value: 'private_key_jwt', label: 'A signed assertion (private_key_jwt)' },
  { value: 'client_secret_basic', label: 'The secret in a header (client_secret_basic)' },
  { value: 'client_secret_post', label: 'The secret in the body (client_secret_post)' },
  {
    value: 'tls_client_auth',
    label: 'A certificate of the operator’s CA with a registered name (tls_client_auth)',
  },
  {
    value: 'self_signed_tls_client_auth',
    label: 'A registered certificate, whoever signed it (self_signed_tls_client_auth)',
  },
]

/**
 * What can be chosen: what the authorization server takes. What it does not take, or takes no more, is shown where nothing
 * else is chosen: then the application cannot sign in.
 */
export const methodsFor = (
  form: SignInForm,
  offered: readonly string[],
): readonly { value: string; label: string }[] => {
  const { authenticationMethods: chosen } = form
  const isStuck = !chosen.some((method) => offered.includes(method))
  return methods
    .filter(({ value }) => !form.fapi || !value.startsWith('client_secret'))
    .filter(({ value }) => offered.includes(value) || (isStuck && chosen.includes(value)))
    .map(({ value, label }) => ({
      value,
      label: offered.includes(value) ? label : `${label}: not offered by the operator`,
    }))
}

/** A binding that no certificate can be shown for is not offered, unless it was chosen. */
export const constraintsFor = (
  form: SignInForm,
  offered: readonly string[],
): typeof senderConstraints =>
  senderConstraints.filter(({ value }) => {
    if (value === 'none') return !form.fapi
    if (value !== 'certificate' || form.senderConstraint === value) return true
    return offered.some((method) => method.endsWith('tls_client_auth'))
  })

/** How certificates are used, where the issuer takes them. */
export const certificateHelp = (issuerTls: string | undefined): string =>
  issuerTls === undefined
    ? 'The authorization server takes no certificates at the moment.'
    : `To use a certificate, register it above under “Credentials”, or its name. Then ask for tokens at ${issuerTls}/token with client_id, over a connection that shows it.`

export function formOf(settings: AuthorizationSettings): SignInForm {
  return {
    redirectUris: settings.redirectUris.join('\n'),
    postLogoutRedirectUris: settings.postLogoutRedirectUris.join('\n'),
    jwksUri: settings.jwksUri ?? '',
    grants: settings.grants.map(({ purpose = '', grantType, scopes }, row) => ({
      row,
      purpose,
      grantType,
      scopes: scopes === '*' ? '' : scopes.join(' '),
    })),
    authenticationMethods: [...settings.authenticationMethods],
    senderConstraint: settings.senderConstraint,
    fapi: settings.profile === 'fapi2',
    refreshTokens: settings.refreshTokens,
    requirePar: settings.requirePar,
    requireSignedRequest: settings.requireSignedRequest,
  }
}

const linesOf = (text: string): string[] =>
  text.split(/\s+/).flatMap((line) => (line === '' ? [] : [line]))

/** A further row; rows are known by their number, because two may say the same. */
export const withRow = (grants: readonly GrantRow[]): GrantRow[] => [
  ...grants,
  {
    row: Math.max(-1, ...grants.map(({ row }) => row)) + 1,
    purpose: '',
    grantType: 'authorization_code',
    scopes: '',
  },
]

/** What is sent: the whole of the settings, made of the revision that was read. */
export function bodyOf(form: SignInForm, revision: number): Record<string, unknown> {
  const jwksUri = form.jwksUri.trim()
  return {
    revision,
    redirectUris: linesOf(form.redirectUris),
    postLogoutRedirectUris: linesOf(form.postLogoutRedirectUris),
    ...(jwksUri !== '' && { jwksUri }),
    grants: form.grants.map(({ purpose, grantType, scopes }) => {
      const named = linesOf(scopes.replaceAll(',', ' '))
      return {
        grantType,
        ...(purpose !== '' && { purpose }),
        scopes: named.length === 0 || named.includes('*') ? '*' : [...new Set(named)],
      }
    }),
    authenticationMethods: form.authenticationMethods,
    senderConstraint: form.senderConstraint,
    profile: form.fapi ? 'fapi2' : 'standard',
    refreshTokens: form.refreshTokens,
    requirePar: form.requirePar,
    requireSignedRequest: form.requireSignedRequest,
  }
}

/** FAPI 2.0 leaves no choice in these: the switch sets them, and taking it back leaves what was set. */
export function withFapi(form: SignInForm, fapi: boolean): SignInForm {
  if (!fapi) return { ...form, fapi }
  const keys = form.authenticationMethods.filter((method) => !method.startsWith('client_secret'))
  return {
    ...form,
    fapi,
    requirePar: true,
    senderConstraint: form.senderConstraint === 'none' ? 'either' : form.senderConstraint,
    authenticationMethods: keys.length === 0 ? ['private_key_jwt'] : keys,
  }
}

/**
 * Faults by the field that shows them, in words for a person: `redirectUris`, `grants.1.scopes`. What belongs to no field
 * is under the empty name.
 */
export function faultsByField(
  violations: readonly { path: string; message: string }[],
  form: SignInForm,
): Readonly<Record<string, string>> {
  const faults: Record<string, string> = {}
  for (const { path, message: told } of violations) {
    const message = told.replace(/grants\/(\d+)/, (_, at) => `purpose ${Number(at) + 1}`)
    const [field = '', index, part, item] = path.split('/').slice(1)
    const rest = form.grants[Number(index)]
    const isRow = field === 'grants' && rest !== undefined
    const name = isRow ? `grants.${index}.${part ?? 'scopes'}` : field in form ? field : ''
    const lines =
      field === 'redirectUris' || field === 'postLogoutRedirectUris' ? linesOf(form[field]) : []
    const about = isRow
      ? linesOf(rest.scopes.replaceAll(',', ' '))[Number(item)]
      : lines[Number(index)]
    const before = faults[name]
    const said = about === undefined ? capital(message) : `${about} ${message}`
    faults[name] = before === undefined ? said : `${before}. ${said}`
  }
  return faults
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
