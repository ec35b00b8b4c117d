/** Where the key is that wraps the keys of this installation. */
export type KeyPlace =
  | { kind: 'file' }
  | { kind: 'aws-kms'; key: string }
  | { kind: 'vault'; mount: string; key: string }

/**
 * A place as its setting has it.
 * @public
 */
export const keyPlaceText = (place: KeyPlace): string => {
  if (place.kind === 'file') return 'file'
  return place.kind === 'aws-kms' ? `aws-kms:${place.key}` : `vault:${place.mount}/${place.key}`
}

const setting = <T>(about: string, parse: (value: string) => T, secret = false) => ({
  about,
  parse,
  secret,
})
const text = (value: string): string => value

const secretKey = (value: string): Buffer => {
  const key = Buffer.from(value, 'base64url')
  if (key.length !== 32) throw new Error('must be 32 random bytes in base64url (43 characters)')
  return key
}

const keyPlace = (value: string): KeyPlace => {
  if (value === 'file') return { kind: 'file' }
  const [, kind, rest = ''] = /^(aws-kms|vault):(.+)$/.exec(value) ?? []
  if (kind === 'aws-kms' && /^[\w:/-]+$/.test(rest)) return { kind, key: rest }
  const [, mount, key] = /^([\w.-]+(?:\/[\w.-]+)*)\/([\w.-]+)$/.exec(rest) ?? []
  if (kind === 'vault' && mount !== undefined && key !== undefined) return { kind, mount, key }
  throw new Error(
    'must be file, aws-kms:<key id, ARN or alias>, or vault:<mount>/<key> such as vault:transit/wayleave',
  )
}

/** An address that secrets are sent to: encrypted, or on this machine. */
const secretUrl = (value: string): string => {
  const url = URL.parse(value)
  const local = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && local)))
    throw new Error('must be an https URL; http only to this machine (localhost)')
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error('must have no user, query or fragment')
  return value.replace(/\/+$/, '')
}

const days = (value: string): number => {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1 || number > 3_650)
    throw new Error('must be a number of days from 1 to 3650')
  return number
}

/** The settings of keys at rest; `docs/guides/keys-at-rest.md` tells what they are for. */
export const keySettings = {
  WAYLEAVE_SECRET_KEY: setting(
    'master key, instead of the file data/secrets/master.key',
    secretKey,
    true,
  ),
  WAYLEAVE_SECRET_KEY_PREVIOUS: setting(
    'the master key until now, while it is replaced: `wayleave keys rewrap`',
    secretKey,
    true,
  ),
  WAYLEAVE_GATEWAY_KEY: setting(
    'what a gateway without the master key derives its own keys from',
    secretKey,
    true,
  ),
  WAYLEAVE_KEY_ENCRYPTION: setting(
    'what wraps the keys of the database: file (the master key), aws-kms:<key>, vault:<mount>/<key> (file)',
    keyPlace,
  ),
  WAYLEAVE_KEY_ENCRYPTION_PREVIOUS: setting(
    'what wrapped them until now, while it is replaced: `wayleave keys rewrap`',
    keyPlace,
  ),
  WAYLEAVE_DATA_KEY_DAYS: setting('after how many days a new data key seals (90)', days),
  WAYLEAVE_KMS_URL: setting(
    'another address of the AWS KMS API, such as a VPC endpoint',
    secretUrl,
  ),
  WAYLEAVE_VAULT_URL: setting('address of Vault, https://vault.example:8200', secretUrl),
  WAYLEAVE_VAULT_TOKEN: setting('token that Vault is asked with', text, true),
  WAYLEAVE_VAULT_TOKEN_FILE: setting('file with that token, read for each request', text),
  WAYLEAVE_VAULT_NAMESPACE: setting('namespace in Vault', text),
  WAYLEAVE_VAULT_CA_FILE: setting(
    'CA certificates (PEM) that the certificate of Vault may come from, instead of those of the system',
    text,
  ),
  AWS_REGION: setting('region of the key service, where the key is not named by its ARN', text),
  AWS_ACCESS_KEY_ID: setting(
    'key that function upstreams are invoked with, and the AWS key service is asked with',
    text,
  ),
  AWS_SECRET_ACCESS_KEY: setting('its secret', text, true),
  AWS_SESSION_TOKEN: setting('its session', text, true),
} as const

type KeyValues = {
  [K in keyof typeof keySettings]?: ReturnType<(typeof keySettings)[K]['parse']>
}

/** How keys at rest are kept; part of the configuration. */
export type KeyConfig = Readonly<{
  place: KeyPlace
  previousPlace: KeyPlace | undefined
  previousSecretKey: Buffer | undefined
  dataKeyDays: number
  kms: { url: string | undefined; region: string | undefined }
  vault: {
    url: string | undefined
    token: string | undefined
    tokenFile: string | undefined
    namespace: string | undefined
    caFile: string | undefined
  }
}>

export function keyConfigOf(values: KeyValues, faults: string[]): KeyConfig {
  const config: KeyConfig = {
    place: values.WAYLEAVE_KEY_ENCRYPTION ?? { kind: 'file' },
    previousPlace: values.WAYLEAVE_KEY_ENCRYPTION_PREVIOUS,
    previousSecretKey: values.WAYLEAVE_SECRET_KEY_PREVIOUS,
    dataKeyDays: values.WAYLEAVE_DATA_KEY_DAYS ?? 90,
    kms: { url: values.WAYLEAVE_KMS_URL, region: values.AWS_REGION },
    vault: {
      url: values.WAYLEAVE_VAULT_URL,
      token: values.WAYLEAVE_VAULT_TOKEN,
      tokenFile: values.WAYLEAVE_VAULT_TOKEN_FILE,
      namespace: values.WAYLEAVE_VAULT_NAMESPACE,
      caFile: values.WAYLEAVE_VAULT_CA_FILE,
    },
  }
  for (const place of [config.place, config.previousPlace]) {
    if (place?.kind === 'vault') faults.push(...vaultFaults(config))
    if (place?.kind === 'aws-kms' && kmsRegion(place.key, config) === undefined)
      faults.push('AWS_REGION: set it, or name the key of WAYLEAVE_KEY_ENCRYPTION by its ARN')
  }
  return config
}

/** The region of a key: of its ARN, else the configured one. */
export const kmsRegion = (key: string, { kms }: KeyConfig): string | undefined =>
  /^arn:[\w-]+:kms:([\w-]+):/.exec(key)?.[1] ?? kms.region

function vaultFaults({ vault }: KeyConfig): string[] {
  const faults: string[] = []
  if (vault.url === undefined)
    faults.push('WAYLEAVE_VAULT_URL: set it to the address of Vault, https://vault.example:8200')
  if ((vault.token === undefined) === (vault.tokenFile === undefined))
    faults.push('WAYLEAVE_VAULT_TOKEN and WAYLEAVE_VAULT_TOKEN_FILE: set one of them')
  return faults
}
