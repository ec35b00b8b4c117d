import type { Config, Environment } from '#platform/config'
import type { RestrictedRole } from '#platform/database-roles'
import type { Sealing } from '#platform/sealing'

/** A process of the product, as the supervisor starts it. */
export type Role = {
  name: string
  args: readonly string[]
  /** the database address that it is given, and what it holds beside it */
  env: Readonly<Record<string, string>>
}

/** Names that tell a process of a secret: a role gets those that it needs, and none by inheritance. */
const secrets = [
  'DATABASE_URL',
  'WAYLEAVE_SECRET_KEY',
  'WAYLEAVE_INTAKE_TOKEN',
  'WAYLEAVE_UPSTREAM_TOKEN',
  'WAYLEAVE_GATEWAY_KEY',
  'SMTP_URL',
  'REDIS_URL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
] as const

/**
 * The roles of the local run and what each is given. A gateway and the simulated operator get a database role that can
 * do nearly nothing, and no master key.
 */
export function localRoles(options: {
  ownerUrl: string
  restricted: Readonly<Record<RestrictedRole, string>>
  sealing: Sealing
  masterKey: Buffer
  config: Config
}): Role[] {
  const { ownerUrl, restricted, sealing, config } = options
  const { redisUrl, smtpUrl, traces, aws } = config
  const owner = {
    DATABASE_URL: ownerUrl,
    WAYLEAVE_SECRET_KEY: options.masterKey.toString('base64url'),
  }
  const upstreamToken = sealing.machineToken('upstream:simulator')
  const gateway = (environment: Environment): Role => ({
    name: `gateway-${environment}`,
    args: ['gateway', '--environment', environment],
    env: {
      DATABASE_URL: restricted[`gateway_${environment}`],
      WAYLEAVE_INTAKE_TOKEN: sealing.machineToken(`intake:${environment}`),
      WAYLEAVE_GATEWAY_KEY: sealing.machineToken(`gateway:${environment}`),
      ...given({ REDIS_URL: redisUrl, OTEL_EXPORTER_OTLP_HEADERS: traces.headers }),
      // Functions are upstreams of production; the sandbox has no key to the operator's account.
      ...(environment === 'production'
        ? given({
            AWS_ACCESS_KEY_ID: aws.accessKeyId,
            AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
            AWS_SESSION_TOKEN: aws.sessionToken,
          })
        : {}),
      ...(environment === 'sandbox' ? { WAYLEAVE_UPSTREAM_TOKEN: upstreamToken } : {}),
    },
  })
  return [
    {
      name: 'control',
      args: ['control'],
      env: { ...owner, ...given({ SMTP_URL: smtpUrl }) },
    },
    { name: 'authorization', args: ['authorization'], env: owner },
    {
      name: 'sandbox',
      args: ['sandbox'],
      env: { DATABASE_URL: restricted.simulator, WAYLEAVE_UPSTREAM_TOKEN: upstreamToken },
    },
    gateway('production'),
    gateway('sandbox'),
  ]
}

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
      entry[1] !== undefined && !(secrets as readonly string[]).includes(entry[0]),
  )
  return { ...Object.fromEntries(kept), ...role.env }
}
