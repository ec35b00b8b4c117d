import path from 'node:path'
import { type ConsentConfig, consentConfigOf, consentSettings } from './consent-settings.ts'
import { type DatabaseUrls, databaseSettings, databaseUrlsOf } from './database-settings.ts'
import { type EvidenceSinkConfig, evidenceConfigOf, evidenceSettings } from './evidence-settings.ts'
import { type KeyConfig, keyConfigOf, keySettings } from './key-settings.ts'
import { type NetworkConfig, networkConfigOf, networkSettings } from './network-settings.ts'
import { type RetentionConfig, retentionConfigOf, retentionSettings } from './retention-settings.ts'
import {
  countUpTo,
  currency,
  hostNames,
  httpsUrl,
  httpUrl,
  lameDuck,
  networks,
  oneOf,
  port,
  portBase,
  redisUrl,
  setting,
  share,
  smtpUrl,
  someNetworks,
  text,
  traceUrl,
} from './setting-parsers.ts'
import { type SsoConfig, ssoConfigOf, ssoSettings } from './sso-settings.ts'

/** @public */
export const environments = ['sandbox', 'production'] as const
/** @public */
export type Environment = (typeof environments)[number]

/**
 * A problem with the configuration: every fault at once, each with the way to mend it.
 * @public
 */
export class ConfigError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(
      `the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.map((f) => `  - ${f}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/**
 * Every environment variable that Wayleave reads. A name that begins with WAYLEAVE_ or DATABASE_URL_ and is not here is a fault.
 * @public
 */
export const settings = {
  PORT_BASE: setting('first port of the block of 20 (8080)', portBase),
  ...databaseSettings,
  REDIS_URL: setting(
    'Redis or Valkey that gateways share their rate limits through, redis://user:password@host:6379/0; without it PostgreSQL is used',
    redisUrl,
    true,
  ),
  WAYLEAVE_APPLICATIONS_PER_PARTNER: setting(
    'how many applications a partner may have at a time (50)',
    countUpTo(10_000),
  ),
  GATEWAY_WORKERS: setting('processes of each gateway (1)', countUpTo(64)),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    'OTLP collector that traces are sent to, http://host:4318; without it none are sent',
    httpUrl,
  ),
  OTEL_EXPORTER_OTLP_HEADERS: setting(
    'header fields for the collector, name=value,name=value',
    text,
    true,
  ),
  WAYLEAVE_TRACE_URL: setting(
    'where a trace can be seen, https://traces.example/trace/{traceId}; the console links to it',
    traceUrl,
  ),
  OTEL_TRACES_SAMPLER_ARG: setting('part of the calls that is traced, 0 to 1 (0.01)', share),
  ...keySettings,
  ...networkSettings,
  ...consentSettings,
  ...ssoSettings,
  SMTP_URL: setting(
    'mail server, smtps://user:password@host; without it mail becomes files in data/mail',
    smtpUrl,
    true,
  ),
  WAYLEAVE_MAIL_SENDER: setting('sender of mail (wayleave@localhost)', text),
  WAYLEAVE_EVIDENCE_DIR: setting(
    'folder that signed checkpoints of the evidence are exported to, best where who administers the database cannot write (evidence in the data folder)',
    text,
  ),
  ...evidenceSettings,
  ...retentionSettings,
  WAYLEAVE_DATA_DIR: setting('where the data lives (./data)', text),
  WAYLEAVE_HOST: setting('address that the public listeners bind to (127.0.0.1)', text),
  WAYLEAVE_INTERNAL_HOST: setting('address that the internal listeners bind to (127.0.0.1)', text),
  WAYLEAVE_OPERATOR_NAME: setting('the name of the operator that the pages show', text),
  WAYLEAVE_STAFF_SECOND_FACTOR: setting(
    'whether staff must have a passkey or an authenticator app: ask or require (require where the portal is https, ask where it is not)',
    oneOf('ask', 'require'),
  ),
  WAYLEAVE_CURRENCY: setting('ISO 4217 code of the prices (EUR)', currency),
  WAYLEAVE_LOG_LEVEL: setting(
    'debug, info, warn or error (info)',
    oneOf('debug', 'info', 'warn', 'error'),
  ),
  WAYLEAVE_INTAKE_TOKEN: setting('what a gateway shows to the journal intake', text, true),
  WAYLEAVE_UPSTREAM_TOKEN: setting(
    'what the sandbox gateway shows to the simulated operator',
    text,
    true,
  ),
  WAYLEAVE_TRUSTED_PROXIES: setting(
    'networks of proxies whose Client-Cert, Forwarded and X-Forwarded-For fields are believed: 10.0.0.0/8, ::1/128',
    networks,
  ),
  WAYLEAVE_GATEWAY_HOSTS: setting(
    'hosts that gateways answer for besides those of their public addresses, without ports: gateway.internal, 192.0.2.7',
    hostNames,
  ),
  WAYLEAVE_CONNECTIONS_PER_ADDRESS: setting(
    'connections that one address may have with a gateway process (1000); trusted proxies have no such limit',
    countUpTo(1_000_000),
  ),
  WAYLEAVE_CLIENT_CA_FILE: setting(
    'CA certificates (PEM) whose client certificates are accepted beside registered ones',
    text,
  ),
  WAYLEAVE_CLIENT_CRL_FILE: setting('revocation lists (PEM) of those CAs', text),
  WAYLEAVE_UPSTREAM_CA_FILE: setting(
    'CA certificates (PEM) that upstream certificates may come from, beside those of the system',
    text,
  ),
  WAYLEAVE_EGRESS_NETWORKS: setting(
    'networks besides the public one where partners may have addresses that Wayleave calls (jwks_uri): 10.20.0.0/16; 127.0.0.0/8 on a laptop',
    someNetworks,
  ),
  WAYLEAVE_GATEWAY_ID: setting('stable name of a gateway; its journal lives under it', text),
  WAYLEAVE_JOURNAL_SYNC: setting(
    'when the journal is forced to the disk: never, interval or always (interval)',
    oneOf('never', 'interval', 'always'),
  ),
  WAYLEAVE_JOURNAL_FULL: setting(
    'calls while the journal cannot be written: refuse all, or serve-free to go on with those of free contracts (refuse)',
    oneOf('refuse', 'serve-free'),
  ),
  WAYLEAVE_LAME_DUCK_SECONDS: setting(
    'how long a gateway or an authorization server that is told to stop still serves, so that load balancers learn of it first (3)',
    lameDuck,
  ),
  WAYLEAVE_TLS_KEY_FILE: setting(
    'private key (PEM) of the TLS listeners; without it a self-signed one is made',
    text,
  ),
  WAYLEAVE_TLS_CERTIFICATE_FILE: setting('certificate chain (PEM) of the TLS listeners', text),
  WAYLEAVE_PORTAL_PORT: setting('port of portal, console and management API', port),
  WAYLEAVE_GATEWAY_PRODUCTION_PORT: setting('port of the production gateway', port),
  WAYLEAVE_GATEWAY_SANDBOX_PORT: setting('port of the sandbox gateway', port),
  WAYLEAVE_GATEWAY_PRODUCTION_TLS_PORT: setting('TLS port of the production gateway', port),
  WAYLEAVE_GATEWAY_SANDBOX_TLS_PORT: setting('TLS port of the sandbox gateway', port),
  WAYLEAVE_AUTHORIZATION_PORT: setting('port of the authorization servers', port),
  WAYLEAVE_AUTHORIZATION_TLS_PORT: setting(
    'TLS port of the authorization servers, where clients show certificates',
    port,
  ),
  WAYLEAVE_POSTGRES_PORT: setting('port of the embedded PostgreSQL', port),
  WAYLEAVE_SIMULATOR_PORT: setting('port of the simulated operator', port),
  WAYLEAVE_CONTROL_INTERNAL_PORT: setting(
    'internal port of control: health, metrics, journal intake',
    port,
  ),
  WAYLEAVE_AUTHORIZATION_INTERNAL_PORT: setting('internal port of authorization', port),
  WAYLEAVE_GATEWAY_PRODUCTION_INTERNAL_PORT: setting(
    'internal port of the production gateway',
    port,
  ),
  WAYLEAVE_GATEWAY_SANDBOX_INTERNAL_PORT: setting('internal port of the sandbox gateway', port),
  WAYLEAVE_SIMULATOR_INTERNAL_PORT: setting('internal port of the simulated operator', port),
  WAYLEAVE_PORTAL_URL: setting('public address of the portal', httpUrl),
  WAYLEAVE_AUTHORIZATION_URL: setting('public address of the authorization servers', httpUrl),
  WAYLEAVE_AUTHORIZATION_TLS_URL: setting(
    'public address where clients show certificates to the authorization servers; without it they take none, but in a local installation',
    httpsUrl,
  ),
  WAYLEAVE_GATEWAY_PRODUCTION_URL: setting('public address of the production gateway', httpUrl),
  WAYLEAVE_GATEWAY_SANDBOX_URL: setting('public address of the sandbox gateway', httpUrl),
  WAYLEAVE_GATEWAY_PRODUCTION_TLS_URL: setting(
    'public TLS address of the production gateway',
    httpUrl,
  ),
  WAYLEAVE_GATEWAY_SANDBOX_TLS_URL: setting('public TLS address of the sandbox gateway', httpUrl),
  WAYLEAVE_CONTROL_INTERNAL_URL: setting('where gateways ship their journal to', httpUrl),
  WAYLEAVE_SIMULATOR_URL: setting(
    'where the sandbox gateway finds the simulated operator',
    httpUrl,
  ),
} as const

type Values = { [K in keyof typeof settings]?: ReturnType<(typeof settings)[K]['parse']> }

type GatewayAddresses = {
  port: number
  tlsPort: number
  internalPort: number
  url: string
  tlsUrl: string
}

/**
 * The configuration of every process, parsed once, frozen, and passed in.
 * @public
 */
export type Config = Readonly<{
  version: string
  root: string
  dataDir: string
  /** where signed checkpoints of the evidence go */
  evidenceDir: string
  /** and where else */
  evidenceSinks: EvidenceSinkConfig
  evidenceDays: RetentionConfig
  host: string
  internalHost: string
  operatorName: string
  staffSecondFactor: 'ask' | 'require'
  currency: string
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  databaseUrl: string | undefined
  /** addresses of roles that somebody else made */
  databaseUrls: DatabaseUrls
  smtpUrl: string | undefined
  mailSender: string
  secretKey: Buffer | undefined
  keys: KeyConfig
  network: NetworkConfig
  consent: ConsentConfig
  /** how staff signs in with the operator's own identity provider, if it does */
  sso: SsoConfig | undefined
  intakeToken: string | undefined
  upstreamToken: string | undefined
  redisUrl: string | undefined
  applicationsPerPartner: number
  gatewayWorkers: number
  gatewayKey: Buffer | undefined
  trustedProxies: readonly string[]
  gatewayHosts: readonly string[]
  connectionsPerAddress: number
  clientCertificates: { caFile: string | undefined; crlFile: string | undefined }
  upstreamCaFile: string | undefined
  egressNetworks: readonly string[]
  traces: {
    endpoint: string | undefined
    headers: string | undefined
    share: number
    url: string | undefined
  }
  aws: {
    accessKeyId: string | undefined
    secretAccessKey: string | undefined
    sessionToken: string | undefined
  }
  gatewayId: string | undefined
  journalSync: 'never' | 'interval' | 'always'
  journalFull: 'refuse' | 'serve-free'
  lameDuckSeconds: number
  tls: { keyFile: string | undefined; certificateFile: string | undefined }
  postgresPort: number
  portal: { port: number; url: string }
  authorization: {
    port: number
    internalPort: number
    url: string
    /** where client certificates are taken; undefined when they are not */
    tls: { port: number; url: string } | undefined
  }
  control: { internalPort: number; internalUrl: string }
  simulator: { port: number; internalPort: number; url: string }
  gateways: Readonly<Record<Environment, GatewayAddresses>>
}>

/**
 * @throws ConfigError with every fault, each naming the variable and the way to mend it
 * @public
 */
export function loadConfig(
  root: string,
  version: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const faults: string[] = []
  const values = parseSettings(env, faults)
  refuseUnknownNames(env, faults)
  const base = values.PORT_BASE ?? 8080
  const at = (offset: number, own: number | undefined): number => own ?? base + offset
  const ports = {
    portal: at(0, values.WAYLEAVE_PORTAL_PORT),
    production: at(1, values.WAYLEAVE_GATEWAY_PRODUCTION_PORT),
    sandbox: at(2, values.WAYLEAVE_GATEWAY_SANDBOX_PORT),
    productionTls: at(3, values.WAYLEAVE_GATEWAY_PRODUCTION_TLS_PORT),
    sandboxTls: at(4, values.WAYLEAVE_GATEWAY_SANDBOX_TLS_PORT),
    authorization: at(5, values.WAYLEAVE_AUTHORIZATION_PORT),
    postgres: at(6, values.WAYLEAVE_POSTGRES_PORT),
    simulator: at(7, values.WAYLEAVE_SIMULATOR_PORT),
    controlInternal: at(8, values.WAYLEAVE_CONTROL_INTERNAL_PORT),
    authorizationInternal: at(9, values.WAYLEAVE_AUTHORIZATION_INTERNAL_PORT),
    productionInternal: at(10, values.WAYLEAVE_GATEWAY_PRODUCTION_INTERNAL_PORT),
    sandboxInternal: at(11, values.WAYLEAVE_GATEWAY_SANDBOX_INTERNAL_PORT),
    simulatorInternal: at(12, values.WAYLEAVE_SIMULATOR_INTERNAL_PORT),
    authorizationTls: at(13, values.WAYLEAVE_AUTHORIZATION_TLS_PORT),
  }
  const twice = Object.entries(ports).filter(
    ([, p], i, all) => all.findIndex(([, q]) => q === p) !== i,
  )
  for (const [name, p] of twice)
    faults.push(
      `port ${p} is used twice (second time for ${name}): set one of the WAYLEAVE_…_PORT settings or PORT_BASE`,
    )
  if (
    (values.WAYLEAVE_TLS_KEY_FILE === undefined) !==
    (values.WAYLEAVE_TLS_CERTIFICATE_FILE === undefined)
  ) {
    faults.push('WAYLEAVE_TLS_KEY_FILE and WAYLEAVE_TLS_CERTIFICATE_FILE: set both, or neither')
  }
  if (
    values.WAYLEAVE_AUTHORIZATION_TLS_PORT !== undefined &&
    authorizationTls(values, ports.authorizationTls) === undefined
  ) {
    faults.push(
      'WAYLEAVE_AUTHORIZATION_TLS_URL: set it beside WAYLEAVE_AUTHORIZATION_TLS_PORT: clients are told to show certificates there',
    )
  }
  const keys = keyConfigOf(values, faults)
  const network = networkConfigOf(values, faults)
  const consent = consentConfigOf(values, faults)
  const sso = ssoConfigOf(values, faults)
  const evidenceSinks = evidenceConfigOf(values, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze({
    version,
    root,
    dataDir: path.resolve(root, values.WAYLEAVE_DATA_DIR ?? 'data'),
    evidenceDir: path.resolve(
      root,
      values.WAYLEAVE_EVIDENCE_DIR ?? path.join(values.WAYLEAVE_DATA_DIR ?? 'data', 'evidence'),
    ),
    evidenceSinks,
    evidenceDays: retentionConfigOf(values),
    host: values.WAYLEAVE_HOST ?? '127.0.0.1',
    internalHost: values.WAYLEAVE_INTERNAL_HOST ?? '127.0.0.1',
    operatorName: values.WAYLEAVE_OPERATOR_NAME ?? 'Wayleave',
    // Only a local installation has no https; there a password is enough to look around.
    staffSecondFactor:
      values.WAYLEAVE_STAFF_SECOND_FACTOR ??
      (values.WAYLEAVE_PORTAL_URL?.startsWith('https:') === true ? 'require' : 'ask'),
    currency: values.WAYLEAVE_CURRENCY ?? 'EUR',
    logLevel: values.WAYLEAVE_LOG_LEVEL ?? 'info',
    databaseUrl: values.DATABASE_URL,
    databaseUrls: databaseUrlsOf(values),
    smtpUrl: values.SMTP_URL,
    mailSender: values.WAYLEAVE_MAIL_SENDER ?? 'wayleave@localhost',
    secretKey: values.WAYLEAVE_SECRET_KEY,
    keys,
    network,
    consent,
    sso,
    intakeToken: values.WAYLEAVE_INTAKE_TOKEN,
    upstreamToken: values.WAYLEAVE_UPSTREAM_TOKEN,
    redisUrl: values.REDIS_URL,
    applicationsPerPartner: values.WAYLEAVE_APPLICATIONS_PER_PARTNER ?? 50,
    gatewayWorkers: values.GATEWAY_WORKERS ?? 1,
    gatewayKey: values.WAYLEAVE_GATEWAY_KEY,
    trustedProxies: values.WAYLEAVE_TRUSTED_PROXIES ?? [],
    gatewayHosts: values.WAYLEAVE_GATEWAY_HOSTS ?? [],
    connectionsPerAddress: values.WAYLEAVE_CONNECTIONS_PER_ADDRESS ?? 1_000,
    clientCertificates: {
      caFile: values.WAYLEAVE_CLIENT_CA_FILE,
      crlFile: values.WAYLEAVE_CLIENT_CRL_FILE,
    },
    upstreamCaFile: values.WAYLEAVE_UPSTREAM_CA_FILE,
    egressNetworks: values.WAYLEAVE_EGRESS_NETWORKS ?? [],
    traces: {
      endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: values.OTEL_EXPORTER_OTLP_HEADERS,
      share: values.OTEL_TRACES_SAMPLER_ARG ?? 0.01,
      url: values.WAYLEAVE_TRACE_URL,
    },
    aws: {
      accessKeyId: values.AWS_ACCESS_KEY_ID,
      secretAccessKey: values.AWS_SECRET_ACCESS_KEY,
      sessionToken: values.AWS_SESSION_TOKEN,
    },
    gatewayId: values.WAYLEAVE_GATEWAY_ID,
    journalSync: values.WAYLEAVE_JOURNAL_SYNC ?? 'interval',
    journalFull: values.WAYLEAVE_JOURNAL_FULL ?? 'refuse',
    lameDuckSeconds: values.WAYLEAVE_LAME_DUCK_SECONDS ?? 3,
    tls: {
      keyFile: values.WAYLEAVE_TLS_KEY_FILE,
      certificateFile: values.WAYLEAVE_TLS_CERTIFICATE_FILE,
    },
    postgresPort: ports.postgres,
    portal: {
      port: ports.portal,
      url: values.WAYLEAVE_PORTAL_URL ?? `http://localhost:${ports.portal}`,
    },
    authorization: {
      port: ports.authorization,
      internalPort: ports.authorizationInternal,
      url: values.WAYLEAVE_AUTHORIZATION_URL ?? `http://localhost:${ports.authorization}`,
      tls: authorizationTls(values, ports.authorizationTls),
    },
    control: {
      internalPort: ports.controlInternal,
      internalUrl:
        values.WAYLEAVE_CONTROL_INTERNAL_URL ?? `http://127.0.0.1:${ports.controlInternal}`,
    },
    simulator: {
      port: ports.simulator,
      internalPort: ports.simulatorInternal,
      url: values.WAYLEAVE_SIMULATOR_URL ?? `http://127.0.0.1:${ports.simulator}`,
    },
    gateways: {
      production: {
        port: ports.production,
        tlsPort: ports.productionTls,
        internalPort: ports.productionInternal,
        url: values.WAYLEAVE_GATEWAY_PRODUCTION_URL ?? `http://localhost:${ports.production}`,
        tlsUrl:
          values.WAYLEAVE_GATEWAY_PRODUCTION_TLS_URL ?? `https://localhost:${ports.productionTls}`,
      },
      sandbox: {
        port: ports.sandbox,
        tlsPort: ports.sandboxTls,
        internalPort: ports.sandboxInternal,
        url: values.WAYLEAVE_GATEWAY_SANDBOX_URL ?? `http://localhost:${ports.sandbox}`,
        tlsUrl: values.WAYLEAVE_GATEWAY_SANDBOX_TLS_URL ?? `https://localhost:${ports.sandboxTls}`,
      },
    },
  })
}

/** A public address of the issuers without one for certificates: then clients could not be told where to show them. */
function authorizationTls(values: Values, port: number): { port: number; url: string } | undefined {
  const local =
    values.WAYLEAVE_AUTHORIZATION_URL === undefined ? `https://localhost:${port}` : undefined
  const url = values.WAYLEAVE_AUTHORIZATION_TLS_URL ?? local
  return url === undefined ? undefined : { port, url }
}

function parseSettings(
  env: Readonly<Record<string, string | undefined>>,
  faults: string[],
): Values {
  const values: Record<string, unknown> = {}
  for (const [name, { parse, about, secret }] of Object.entries(settings)) {
    const raw = env[name]
    if (raw === undefined || raw === '') continue
    try {
      values[name] = parse(raw)
    } catch (error) {
      const shown = secret === true ? 'its value' : `"${raw}"`
      faults.push(`${name} (${about}): ${shown} ${error instanceof Error ? error.message : error}`)
    }
  }
  return values as Values
}

function refuseUnknownNames(
  env: Readonly<Record<string, string | undefined>>,
  faults: string[],
): void {
  for (const name of Object.keys(env)) {
    if (/^(WAYLEAVE|DATABASE_URL)_/.test(name) && !Object.hasOwn(settings, name)) {
      faults.push(`${name} is not a setting: see \`./wayleave doctor --settings\` for the names`)
    }
  }
}

/**
 * The environment that child processes inherit from.
 * @public
 */
export const inheritedEnvironment = (): Readonly<Record<string, string | undefined>> => process.env
