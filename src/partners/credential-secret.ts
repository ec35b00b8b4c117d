import { newCheckedText } from '#platform/checked-text'
import type { Environment } from '#platform/config'

const prefixes = { sandbox: 'wl_sbx_', production: 'wl_live_' } as const satisfies Record<
  Environment,
  string
>
/** 256 bits: guessing is hopeless, so a keyed hash is enough to store (ASVS 6.5.2). */
const secretLength = 43

export const clientIdPrefix = (environment: Environment): string => prefixes[environment]

/** What an application shows to the authorization server. */
export const newClientSecret = (environment: Environment): string =>
  newCheckedText(`${prefixes[environment]}sk_`, secretLength)

/** What an application shows to the gateway of its environment, where a product accepts keys. */
export const newApiKey = (environment: Environment): string =>
  newCheckedText(`${prefixes[environment]}key_`, secretLength)

/** Enough of a secret to recognise it, far too little to use it. */
export const secretHint = (secret: string): string =>
  `${/^wl_[a-z]+_[a-z]+_.{4}/.exec(secret)?.[0] ?? ''}…`
