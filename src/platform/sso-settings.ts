import { oneOf, setting, someNetworks, text } from './setting-parsers.ts'

const list = (value: string): string[] => value.split(',').map((item) => item.trim())

const role = oneOf('administrator', 'engineer', 'product', 'partner-success', 'auditor')
type StaffRole = ReturnType<typeof role>

const issuer = (value: string): string => {
  const url = URL.parse(value)
  const local = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && local)))
    throw new Error('must be an https URL, as the provider writes it in its tokens (iss)')
  if (url.search !== '' || url.hash !== '') throw new Error('must have no query or fragment')
  return value
}

const domains = (value: string): readonly string[] =>
  list(value).map((item) => {
    const domain = item.toLowerCase()
    if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(domain))
      throw new Error(
        'must be domains of e-mail addresses: operator.example, mail.operator.example',
      )
    return domain
  })

const roles = (value: string): readonly { value: string; role: StaffRole }[] =>
  list(value).map((item) => {
    const at = item.lastIndexOf('=')
    if (at < 1) throw new Error('must be values of the claim with roles: wl-admins=administrator')
    return { value: item.slice(0, at).trim(), role: role(item.slice(at + 1).trim()) }
  })

/**
 * Single sign-on of the operator's staff; `docs/guides/sign-in.md` tells how it is set up.
 * @public
 */
export const ssoSettings = {
  WAYLEAVE_SSO_ISSUER: setting(
    'OpenID Connect provider that staff signs in with, https://login.operator.example',
    issuer,
  ),
  WAYLEAVE_SSO_CLIENT_ID: setting('what Wayleave is called at that provider', text),
  WAYLEAVE_SSO_CLIENT_SECRET: setting('client secret at that provider', text, true),
  WAYLEAVE_SSO_DOMAINS: setting(
    'domains of e-mail addresses of the staff: operator.example',
    domains,
  ),
  WAYLEAVE_SSO_MODE: setting(
    'whether staff may also sign in without it: optional, or enforced for all but administrators with a second factor (optional)',
    oneOf('optional', 'enforced'),
  ),
  WAYLEAVE_SSO_ROLE_CLAIM: setting('claim that roles are read from, such as groups', text),
  WAYLEAVE_SSO_ROLES: setting(
    'roles by values of that claim, the first that fits wins: wl-admins=administrator, wl-audit=auditor',
    roles,
  ),
  WAYLEAVE_SSO_DEFAULT_ROLE: setting(
    'role of staff that no value fits; without it they are not let in',
    role,
  ),
  WAYLEAVE_SSO_ACR_VALUES: setting(
    'what acr must be one of, as the provider names its ways to sign in',
    list,
  ),
  WAYLEAVE_SSO_SECOND_FACTOR: setting(
    'whether the provider has asked for a second factor (provider) or Wayleave does (local)',
    oneOf('provider', 'local'),
  ),
  WAYLEAVE_SSO_NETWORKS: setting(
    'private networks where the provider is: 10.20.0.0/16',
    someNetworks,
  ),
} as const

type SsoValues = {
  [K in keyof typeof ssoSettings]?: ReturnType<(typeof ssoSettings)[K]['parse']>
}

/**
 * The single sign-on of the operator's staff; part of the configuration.
 * @public
 */
export type SsoConfig = Readonly<{
  issuer: string
  clientId: string
  clientSecret: string
  domains: readonly string[]
  mode: 'optional' | 'enforced'
  roleClaim: string | undefined
  /** the first that fits wins */
  roles: readonly { value: string; role: StaffRole }[]
  defaultRole: StaffRole | undefined
  acrValues: readonly string[]
  secondFactor: 'provider' | 'local'
  networks: readonly string[]
}>

export function ssoConfigOf(values: SsoValues, faults: string[]): SsoConfig | undefined {
  const given = Object.keys(ssoSettings).filter((name) => name in values)
  if (given.length === 0) return undefined
  const {
    WAYLEAVE_SSO_ISSUER: issuer,
    WAYLEAVE_SSO_CLIENT_ID: clientId,
    WAYLEAVE_SSO_CLIENT_SECRET: clientSecret,
    WAYLEAVE_SSO_DOMAINS: domains,
  } = values
  if (
    issuer === undefined ||
    clientId === undefined ||
    clientSecret === undefined ||
    domains === undefined
  ) {
    faults.push(
      `${given[0]}: single sign-on needs WAYLEAVE_SSO_ISSUER, WAYLEAVE_SSO_CLIENT_ID, WAYLEAVE_SSO_CLIENT_SECRET and WAYLEAVE_SSO_DOMAINS; set them, or none`,
    )
    return undefined
  }
  const { WAYLEAVE_SSO_ROLE_CLAIM: roleClaim, WAYLEAVE_SSO_ROLES: roles = [] } = values
  if ((roleClaim === undefined) !== (roles.length === 0))
    faults.push('WAYLEAVE_SSO_ROLE_CLAIM and WAYLEAVE_SSO_ROLES: set both, or neither')
  return {
    issuer,
    clientId,
    clientSecret,
    domains,
    mode: values.WAYLEAVE_SSO_MODE ?? 'optional',
    roleClaim,
    roles,
    defaultRole: values.WAYLEAVE_SSO_DEFAULT_ROLE,
    acrValues: values.WAYLEAVE_SSO_ACR_VALUES ?? [],
    secondFactor: values.WAYLEAVE_SSO_SECOND_FACTOR ?? 'local',
    networks: values.WAYLEAVE_SSO_NETWORKS ?? [],
  }
}
