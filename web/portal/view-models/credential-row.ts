import type { Credential } from '#partners/schema'

const kinds = {
  client_secret: 'Client secret',
  public_key: 'Public key',
  api_key: 'API key',
  client_certificate: 'Client certificate',
} as const satisfies Record<Credential['type'], string>

const dayMs = 86_400_000
const soonDays = 30

export const kindOf = ({ type }: Pick<Credential, 'type'>): string => kinds[type]

/** When a credential ends by itself, as far as that needs attention: `soon` within thirty days. */
export function endOf(
  { expiresAt }: Pick<Credential, 'expiresAt'>,
  nowMs: number,
): { state: 'never' | 'later' | 'soon' | 'over'; days: number } {
  if (expiresAt === undefined) return { state: 'never', days: 0 }
  const days = Math.floor((Date.parse(expiresAt) - nowMs) / dayMs)
  if (Date.parse(expiresAt) <= nowMs) return { state: 'over', days: 0 }
  return { state: days < soonDays ? 'soon' : 'later', days }
}

/** What stops when it is deleted. */
export function consequenceOf(credential: Credential, last: boolean): string {
  const what: Record<Credential['type'], string> = {
    client_secret: `${credential.hint} and the tokens that were got with it stop working within a second.`,
    public_key: `${credential.hint} and the tokens that were got with it stop working within a second.`,
    api_key: `Calls with ${credential.hint} are refused within a second.`,
    client_certificate: `Calls over connections with ${credential.hint} that need a certificate are refused within a second, on open connections too.`,
  }
  return last
    ? `${what[credential.type]} It is the only credential: the application cannot call until you make another.`
    : what[credential.type]
}
