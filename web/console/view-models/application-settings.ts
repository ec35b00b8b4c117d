import type { AuthorizationSettings } from '#partners/schema'
import { grantTypes, senderConstraints } from '../../portal/view-models/sign-in-settings.ts'
import type { Fact } from '../../ui/explain-exchange.ts'
import { timeText } from '../../ui/format.ts'

/** Everything that an application decided about its sign-in, also what is off. */
export function settingFacts(settings: AuthorizationSettings): Fact[] {
  const { redirectUris, postLogoutRedirectUris, jwksUri, changedAt } = settings
  const yes = (on: boolean): string => (on ? 'yes' : 'no')
  const bound = senderConstraints.find(({ value }) => value === settings.senderConstraint)
  return [
    { label: 'Profile', value: settings.profile === 'fapi2' ? 'FAPI 2.0' : 'Standard' },
    { label: 'Signs in by', value: settings.authenticationMethods.join(', '), mono: true },
    { label: 'Tokens bound', value: bound?.label ?? settings.senderConstraint },
    { label: 'Pushed requests only', value: yes(settings.requirePar) },
    { label: 'Signed requests only', value: yes(settings.requireSignedRequest) },
    { label: 'Refresh tokens', value: yes(settings.refreshTokens) },
    ...(jwksUri === undefined ? [] : [{ label: 'Keys at', value: jwksUri, mono: true }]),
    { label: 'Answers go to', value: redirectUris.join(' ') || 'nowhere', mono: true },
    ...(postLogoutRedirectUris.length === 0
      ? []
      : [{ label: 'After a logout', value: postLogoutRedirectUris.join(' '), mono: true }]),
    {
      label: 'Changed',
      value: changedAt === undefined ? 'never: as it began' : timeText(changedAt),
    },
  ]
}

/** What was ordered: one grant for each purpose and scope. */
export const grantRows = (settings: AuthorizationSettings) =>
  settings.grants.map(({ purpose, grantType, scopes }, row) => ({
    id: `${row} ${purpose ?? ''}`,
    purpose: purpose ?? 'requests that name none',
    grant: grantTypes.find(({ value }) => value === grantType)?.label ?? grantType,
    scopes: scopes === '*' ? 'every other scope of its subscriptions' : scopes.join(' '),
  }))
