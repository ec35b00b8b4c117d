import type { PartnerSso, ProviderSetup } from '#identity/schema'

/** The form of an identity provider, as people type it. */
export type ProviderFields = {
  issuer: string
  clientId: string
  clientSecret: string
  mode: string
  defaultRole: string
  roleClaim: string
  roles: string
  acrValues: string
  secondFactor: string
}

export const providerFields = (provider: PartnerSso['provider']): ProviderFields => ({
  issuer: provider?.issuer ?? '',
  clientId: provider?.clientId ?? '',
  clientSecret: '',
  mode: provider?.mode ?? 'optional',
  defaultRole: provider === undefined ? 'viewer' : (provider.defaultRole ?? ''),
  roleClaim: provider?.roleClaim ?? '',
  roles: (provider?.roles ?? []).map(({ value, role }) => `${value} = ${role}`).join('\n'),
  acrValues: (provider?.acrValues ?? []).join(' '),
  secondFactor: provider?.secondFactor ?? 'provider',
})

const filled = (text: string): string | undefined => (text.trim() === '' ? undefined : text.trim())

/** What is typed, for the server, which says what is wrong with it. */
export function providerBody(fields: ProviderFields): Record<keyof ProviderSetup, unknown> {
  return {
    issuer: fields.issuer.trim(),
    clientId: fields.clientId.trim(),
    clientSecret: fields.clientSecret === '' ? undefined : fields.clientSecret,
    mode: fields.mode,
    defaultRole: filled(fields.defaultRole),
    roleClaim: filled(fields.roleClaim),
    roles: fields.roles
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const at = line.lastIndexOf('=')
        return { value: line.slice(0, Math.max(at, 0)).trim(), role: line.slice(at + 1).trim() }
      }),
    acrValues: fields.acrValues.split(/\s+/).filter((value) => value !== ''),
    secondFactor: fields.secondFactor,
  }
}

/** What is wrong, at the fields that it is about. */
export function faultsByField(
  violations: readonly { path: string; message: string }[],
): Partial<Record<keyof ProviderFields, string>> {
  const found: Partial<Record<string, string>> = {}
  for (const { path, message } of violations) {
    const [, name = '', index] = path.split('/')
    const line = name === 'roles' && index !== undefined ? `Line ${Number(index) + 1}: ` : 'It '
    found[name] ??= `${line}${message}.`
  }
  return found
}
