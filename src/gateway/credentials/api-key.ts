import { isCheckedText } from '#platform/checked-text'
import type { Environment } from '#platform/config'

/**
 * Where a caller sends an API key; nowhere else, and never in a URL.
 * @public
 */
export const apiKeyField = 'x-api-key'

const forms: Readonly<Record<Environment, RegExp>> = {
  sandbox: /^wl_sbx_key_[0-9A-Za-z]{49}$/,
  production: /^wl_live_key_[0-9A-Za-z]{49}$/,
}

/**
 * Whether this can be an API key of this environment: its prefix and its checksum say so, without a look-up. A key of the
 * other environment cannot.
 * @public
 */
export const isApiKey = (text: string, environment: Environment): boolean =>
  forms[environment].test(text) && isCheckedText(text)

const credentialNames: ReadonlySet<string> = new Set([
  'access_token',
  'api_key',
  'api-key',
  'apikey',
  'x-api-key',
  'client_secret',
])
const credentialValue = /wl_(?:sbx|live)_(?:key|sk)_[0-9A-Za-z]{8}/

/**
 * Whether a query carries a credential: by its usual names, unless the operation documents a parameter of that name, or by
 * the form of its value. A URL is written down in too many places for a secret to be in it (RFC 6750 section 5.3).
 * @public
 */
export const carriesCredential = (
  query: readonly { name: string; value: string }[],
  documented: ReadonlySet<string>,
): boolean =>
  query.some(
    ({ name, value }) =>
      credentialValue.test(value) ||
      (!documented.has(name) && credentialNames.has(name.toLowerCase())),
  )
