import { type Config, type Environment, settings } from '#platform/config'
import type { RoleUrls } from '#platform/database-roles'
import { keyPlaceText } from '#platform/key-settings'
import type { Sealing } from '#platform/sealing'
import { ssoSettings } from '#platform/sso-settings'

/** A process of the product, as the supervisor starts it. */
export type Role = {
  name: string
  args: readonly string[]
  /** the database address that it is given, and what it holds beside it */
  env: Readonly<Record<string, string>>
}

/**
 * What tells a process of a secret, or where one is: a role gets what it needs, and nothing of it by inheritance. A setting
 * that is declared as a secret is one here, too.
 */
const secrets: ReadonlySet<string> = new Set([
  ...Object.entries(settings)
    .filter(([, { secret }]) => secret === true)
    .map(([name]) => name),
  'WAYLEAVE_KEY_ENCRYPTION',
  'WAYLEAVE_KEY_ENCRYPTION_PREVIOUS',
  'WAYLEAVE_VAULT_TOKEN_FILE',
  'AWS_ACCESS_KEY_ID',
])

/** Only control signs people in; without the secret, which the others are not given, these would be a fault there. */
const ofControl: ReadonlySet<string> = new Set(Object.keys(ssoSettings))

type Given = { urls: RoleUrls; sealing: Sealing }

/** What each process connects by, and what it holds beside it where it has no master key. */
export function heldBy(
  role: 'control' | 'authorization' | 'gateway-sandbox' | 'gateway-production' | 'sandbox',
  { urls, sealing }: Given,
): Record<string, string> {
  const simulator = { WAYLEAVE_UPSTREAM_TOKEN: sealing.machineToken('upstream:simulator') }
  switch (role) {
    case 'control':
    case 'authorization':
      return { DATABASE_URL: urls[role] }
    case 'sandbox':
      return { DATABASE_URL: urls.simulator, ...simulator }
    case 'gateway-sandbox':
      return { ...gatewayOf('sandbox', { urls, sealing }), ...simulator }
    case 'gateway-production':
      return gatewayOf('production', { urls, sealing })
  }
}

const gatewayOf = (environment: Environment, { urls, sealing }: Given): Record<string, string> => ({
  DATABASE_URL: urls[`gateway_${environment}`],
  WAYLEAVE_INTAKE_TOKEN: sealing.machineToken(`intake:${environment}`),
  WAYLEAVE_GATEWAY_KEY: sealing.machineToken(`gateway:${environment}`),
})

/**
 * The roles of the local run and what each is given. None is given the owner of the database; a gateway and the simulated
 * operator get nothing that opens its keys either.
 */
export function localRoles(options: Given & { config: Config }): Role[] {
  const { config } = options
  const { redisUrl, smtpUrl, traces } = config
  const keys = keySettingsOf(config)
  const gateway = (environment: Environment): Role => ({
    name: `gateway-${environment}`,
    args: ['gateway', '--environment', environment],
    env: {
      ...heldBy(`gateway-${environment}`, options),
      ...given({ REDIS_URL: redisUrl, OTEL_EXPORTER_OTLP_HEADERS: traces.headers }),
      // Functions are upstreams of production; the sandbox has no key to the operator's account.
      ...(environment === 'production' ? accountOf(config) : {}),
    },
  })
  return [
    {
      name: 'control',
      args: ['control'],
      env: {
        ...heldBy('control', options),
        ...keys,
        ...given({ SMTP_URL: smtpUrl, OTEL_EXPORTER_OTLP_HEADERS: traces.headers }),
        ...given({ WAYLEAVE_EVIDENCE_HTTP_TOKEN: config.evidenceSinks.http?.token }),
      },
    },
    {
      name: 'authorization',
      args: ['authorization'],
      env: {
        ...heldBy('authorization', options),
        ...keys,
        ...given({
          OTEL_EXPORTER_OTLP_HEADERS: traces.headers,
          WAYLEAVE_SMS_TOKEN: config.consent.sms?.token,
          WAYLEAVE_NUMBER_LOOKUP_TOKEN: config.network.lookup?.token,
        }),
      },
    },
    { name: 'sandbox', args: ['sandbox'], env: heldBy('sandbox', options) },
    gateway('production'),
    gateway('sandbox'),
  ]
}

/** What control and the authorization server open the keys of the database with; a master key in its file they read. */
function keySettingsOf(config: Config): Record<string, string> {
  const { secretKey, keys } = config
  const { place, previousPlace, previousSecretKey, vault } = keys
  const kinds = [place.kind, previousPlace?.kind]
  return {
    WAYLEAVE_KEY_ENCRYPTION: keyPlaceText(place),
    ...given({
      WAYLEAVE_KEY_ENCRYPTION_PREVIOUS: previousPlace && keyPlaceText(previousPlace),
      WAYLEAVE_SECRET_KEY: secretKey?.toString('base64url'),
      WAYLEAVE_SECRET_KEY_PREVIOUS: previousSecretKey?.toString('base64url'),
    }),
    ...(kinds.includes('vault')
      ? given({
          WAYLEAVE_VAULT_TOKEN: vault.token,
          WAYLEAVE_VAULT_TOKEN_FILE: vault.tokenFile,
        })
      : {}),
    ...(kinds.includes('aws-kms') ? accountOf(config) : {}),
  }
}

const accountOf = ({ aws }: Config): Record<string, string> =>
  given({
    AWS_ACCESS_KEY_ID: aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
    AWS_SESSION_TOKEN: aws.sessionToken,
  })

/** Those that are set. */
const given = (values: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )

/** What a child process is started with: our environment without secrets, and its own. */
export function environmentOf(
  role: Role,
  inherited: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept = Object.entries(inherited).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      (ofControl.has(entry[0]) ? role.name === 'control' : !secrets.has(entry[0])),
  )
  return { ...Object.fromEntries(kept), ...role.env }
}
