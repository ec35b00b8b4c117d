import type { Environment } from '#platform/config'

const otherPrefix = { sandbox: 'wl_live_', production: 'wl_sbx_' } as const

/** The most common mistake, told by the request alone: whether there is such a client does not matter. */
export const otherEnvironmentHint = (
  environment: Environment,
  clientId: string | undefined,
): string =>
  clientId?.startsWith(otherPrefix[environment]) === true
    ? `; ids that begin with ${otherPrefix[environment]} are not of this environment (${environment})`
    : ''

/** What a page of the authorization server tells who runs the client, where the provider says only that something is wrong. */
export function tellDeveloper(
  {
    error,
    error_description: description,
  }: { error: string; error_description?: string | undefined },
  environment: Environment,
  clientId: string | undefined,
): string {
  if (description === 'client is invalid')
    return `no active client has this client_id in ${environment}${otherEnvironmentHint(environment, clientId)}`
  if (error === 'invalid_redirect_uri')
    return `redirect_uri is none of those that this application registered in ${environment}, compared character by character: register it in the settings of the application`
  return description ?? error
}
