import { type Command, CommandError } from '#cli'
import { type Config, type Environment, environments, loadConfig } from '#platform/config'
import { auditCommands } from './audit-commands.ts'
import { keyCommands } from './key-commands.ts'

type Program = { root: string; version: string }

/** Every command of `./wayleave`. What a command needs is loaded when it runs. */
export function createCommands(program: Program): Command[] {
  const config = (): Config => loadConfig(program.root, program.version)
  return [
    ...roleCommands(config),
    ...upkeepCommands(config),
    ...keyCommands(config),
    ...auditCommands(config),
    ...operatorCommands(config),
  ]
}

function environmentOption(value: unknown): Environment | undefined {
  if (value === undefined) return undefined
  const found = environments.find((environment) => environment === value)
  if (found === undefined)
    throw new CommandError(`--environment must be ${environments.join(' or ')}`, { exitCode: 2 })
  return found
}

function roleCommands(config: () => Config): Command[] {
  return [
    {
      name: 'all',
      summary: 'run the whole product on this machine (what npm start does)',
      usage: '',
      help: [
        'Starts PostgreSQL if DATABASE_URL names none, brings the schema up to date, and runs every role as a process of',
        'its own: control, authorization, both gateways and the simulated operator. One that dies is started again.',
        '',
        'Ctrl-C drains and stops everything. PORT_BASE=28080 moves the whole block of ports.',
      ],
      options: {},
      positionals: [0, 0],
      run: async () => {
        const { runAll } = await import('./compose/run-all.ts')
        await runAll(config(), (line) => void process.stdout.write(`${line}\n`))
        return undefined
      },
    },
    {
      name: 'control',
      summary: 'run portal, console, management API and jobs',
      usage: '',
      help: [
        'Needs DATABASE_URL as `wayleave migrate --roles` prints it, and the master key.',
        '',
        'Example: DATABASE_URL=postgresql://wayleave_…_control:…@db/wayleave ./wayleave control',
      ],
      options: {},
      positionals: [0, 0],
      run: async () => {
        const { runControl } = await import('./compose/run-control.ts')
        await runControl(config())
        return undefined
      },
    },
    {
      name: 'authorization',
      summary: 'run the OAuth 2.0 authorization servers',
      usage: '[--environment sandbox|production]',
      help: [
        'Serves both issuers, or one. Needs DATABASE_URL as `wayleave migrate --roles` prints it, and the master key.',
        '',
        'Example: ./wayleave authorization --environment production',
      ],
      options: { environment: { type: 'string' } },
      positionals: [0, 0],
      run: async ({ options }) => {
        const one = environmentOption(options.environment)
        const { runAuthorization } = await import('./compose/run-authorization.ts')
        await runAuthorization(config(), one === undefined ? environments : [one])
        return undefined
      },
    },
    {
      name: 'gateway',
      summary: 'run a gateway of one environment',
      usage: '--environment sandbox|production',
      help: [
        'Needs what `wayleave migrate --roles` prints for it: a database role, and keys of this environment alone. It starts and serves from its last good snapshot while PostgreSQL is down.',
        'GATEWAY_WORKERS=4 runs it as four processes behind one address; SIGUSR2 replaces them one after the other.',
        '',
        'Example: WAYLEAVE_GATEWAY_ID=gtw-1 ./wayleave gateway --environment production',
      ],
      // `worker` is what a gateway of several processes starts itself with.
      options: { environment: { type: 'string' }, worker: { type: 'string' } },
      positionals: [0, 0],
      run: async ({ options }) => {
        const environment = environmentOption(options.environment)
        if (environment === undefined)
          throw new CommandError('--environment sandbox or production is required', { exitCode: 2 })
        const own = config()
        if (own.gatewayWorkers > 1 && options.worker === undefined) {
          const { runGatewayWorkers } = await import('./compose/gateway-workers.ts')
          await runGatewayWorkers(own, environment)
          return undefined
        }
        const { runGateway } = await import('./compose/run-gateway.ts')
        const slot = options.worker === undefined ? undefined : Number(options.worker)
        await runGateway(own, environment, slot)
        return undefined
      },
    },
    {
      name: 'sandbox',
      summary: 'run the simulated operator behind the sandbox gateway',
      usage: '',
      help: [
        'Knows nothing of production. Needs DATABASE_URL of its role and WAYLEAVE_UPSTREAM_TOKEN.',
      ],
      options: {},
      positionals: [0, 0],
      run: async () => {
        const { runSandbox } = await import('./compose/run-sandbox.ts')
        await runSandbox(config())
        return undefined
      },
    },
  ]
}

function upkeepCommands(config: () => Config): Command[] {
  return [
    {
      name: 'migrate',
      summary: 'bring the schema up to date, and the database roles to what they may do',
      usage: '[--roles]',
      help: [
        'Forward only, safe while the previous version serves, safe from several places at once.',
        'Needs DATABASE_URL as the owner of the database (docs/guides/database.md).',
        '--roles also prints the variables that each process is started with: they are secrets.',
        '',
        'Example: DATABASE_URL=postgresql://owner:…@db/wayleave ./wayleave migrate --roles --json',
      ],
      options: { roles: { type: 'boolean' } },
      positionals: [0, 0],
      run: async ({ options }) => {
        const { runMigrate } = await import('./compose/run-migrate.ts')
        return await runMigrate(config(), options.roles === true)
      },
    },
    {
      name: 'doctor',
      summary: 'check this machine and the configuration, and say what to mend',
      usage: '[--settings]',
      help: [
        'Changes nothing. Exit code 1 when something must be mended. --settings lists every environment variable.',
      ],
      options: { settings: { type: 'boolean' } },
      positionals: [0, 0],
      run: async ({ options }) => {
        const { listSettings, runDoctor } = await import('./compose/run-doctor.ts')
        return options.settings === true ? listSettings() : await runDoctor(config)
      },
    },
    {
      name: 'metering reconcile',
      summary: 'prove that journal, raw records and usage agree',
      usage: '[--journal <folder>]',
      help: [
        'Compares the segments on the disk (default: the journal of this data folder) with the applied segments, the raw',
        'records, the rollups and the usage that partners see. Exit code 1 when they differ; each difference is listed.',
      ],
      options: { journal: { type: 'string' } },
      positionals: [0, 0],
      run: async ({ options }) => {
        const { runReconcile } = await import('./compose/run-reconcile.ts')
        return await runReconcile(
          config(),
          typeof options.journal === 'string' ? options.journal : undefined,
        )
      },
    },
  ]
}

function operatorCommands(config: () => Config): Command[] {
  return [
    {
      name: 'token create',
      summary: 'make an API token for the management API; it is shown once',
      usage: '--role operator|partner [--partner prt_…] [--name <text>] [--scopes a,b] [--days n]',
      help: [
        'Works on the machine itself, without sign-in: it needs the database and the master key.',
        'Scopes are names of permissions (docs/guides/roles.md); without them it may do all that an administrator, or an owner, may.',
        '',
        'Example: curl -H "authorization: Bearer $(./wayleave token create --role operator)" http://localhost:8080/management/v1/partners',
      ],
      options: {
        role: { type: 'string' },
        partner: { type: 'string' },
        name: { type: 'string' },
        scopes: { type: 'string' },
        days: { type: 'string' },
      },
      positionals: [0, 0],
      run: async ({ options }) => {
        const { role, partner, name, scopes, days } = options
        if (role !== 'operator' && role !== 'partner')
          throw new CommandError('--role must be operator or partner', { exitCode: 2 })
        if (role === 'partner' && typeof partner !== 'string')
          throw new CommandError('--role partner needs --partner prt_…', { exitCode: 2 })
        if (days !== undefined && !/^[1-9]\d{0,3}$/.test(String(days)))
          throw new CommandError('--days must be a number of days', { exitCode: 2 })
        const { runTokenCreate } = await import('./compose/run-token-create.ts')
        return await runTokenCreate(config(), {
          role,
          partnerId: typeof partner === 'string' ? partner : undefined,
          name: typeof name === 'string' ? name : 'command line',
          scopes: typeof scopes === 'string' ? scopes.split(',') : undefined,
          expiresInDays: days === undefined ? undefined : Number(days),
        })
      },
    },
    {
      name: 'operator reset-factors',
      summary: 'take the second factors from a member of staff who has lost them',
      usage: '<e-mail address>',
      help: [
        'For when no administrator is left who can do it in the console. Passkeys, authenticator app and recovery codes',
        'go, sessions end, and the person is told by mail; the password stays. It needs the database and the master key.',
        '',
        'Example: ./wayleave operator reset-factors grace@operator.example',
      ],
      options: {},
      positionals: [1, 1],
      run: async ({ positionals: [email = ''] }) => {
        const { runResetFactors } = await import('./compose/run-reset-factors.ts')
        return await runResetFactors(config(), email)
      },
    },
    {
      name: 'catalog validate',
      summary: 'check API folders and list every fault with its line',
      usage: '<folder or file> …',
      help: [
        'A folder holds one OpenAPI document and a product.yaml; a file is the document with product.yaml beside it.',
        'Needs no database. Exit code 1 when there is a fault.',
        '',
        'Example: ./wayleave catalog validate catalog/sim-swap',
      ],
      options: {},
      positionals: [1, 1_000],
      run: async ({ positionals }) => {
        const { runCatalogValidate } = await import('./compose/run-catalog.ts')
        return await runCatalogValidate(positionals)
      },
    },
    {
      name: 'catalog publish',
      summary: 'publish API folders: at once in the sandbox, by its upstream in production',
      usage: '<folder or file> …',
      help: [
        'Nothing is published when one of them has a fault. Publishing the same content again changes nothing.',
        '',
        'Example: ./wayleave catalog publish catalog/sim-swap',
      ],
      options: {},
      positionals: [1, 1_000],
      run: async ({ positionals }) => {
        const { runCatalogPublish } = await import('./compose/run-catalog.ts')
        return await runCatalogPublish(config(), positionals)
      },
    },
  ]
}
