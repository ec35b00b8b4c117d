import path from 'node:path'
import { type Config, inheritedEnvironment } from '#platform/config'
import { openDataFolder } from '#platform/data-folder'
import {
  type EmbeddedPostgres,
  endOrphanServer,
  startEmbeddedPostgres,
} from '#platform/embedded-postgres'
import { lockFolder } from '#platform/instance-lock'
import { embeddedConnections } from './connection-budget.ts'
import { prepareDatabase } from './prepare-database.ts'
import { portFaults } from './require-free-ports.ts'
import { localRoles } from './role-environment.ts'
import { endLeftovers, kill, readRunFile, removeRunFile, writeRunFile } from './run-file.ts'
import { type Supervisor, startSupervisor } from './supervisor.ts'

/** A start that is refused for a reason that a person can mend; its message is all that is shown. */
class StartRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StartRefused'
  }
}

/** What others call first, because it tells them and waits; gateways can then still ship their journals to control. */
const stopOrder = [
  ['gateway-production', 'gateway-sandbox', 'authorization'],
  ['sandbox'],
  ['control'],
] as const

type Say = (line: string) => void

/** The whole product on one machine: PostgreSQL if none is configured, the schema, and every role as a process. */
export async function runAll(given: Config, say: Say): Promise<void> {
  const startedAt = performance.now()
  const config: Config = { ...given, dataDir: openDataFolder(given.dataDir) }
  const unlock = await lockFolder(config.dataDir)
  if (unlock === undefined) throw new StartRefused(alreadyRuns(config))

  const stopping = new AbortController()
  const { signal } = stopping
  let postgres: Promise<EmbeddedPostgres> | undefined
  let supervisor: Supervisor | undefined
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping.abort()
    stopped ??= (async () => {
      await supervisor?.stop(stopOrder)
      const server = await postgres?.catch(() => undefined)
      await server?.stop()
      removeRunFile(config)
      await unlock()
    })()
    return stopped
  }
  onEndAsked(say, stop, () => {
    for (const pid of supervisor?.pids() ?? []) kill(pid, 'SIGKILL')
  })

  try {
    await endLeftovers(config)
    if (config.databaseUrl === undefined) await endOrphanServer(config.dataDir)
    await requireFreePorts(config)
    signal.throwIfAborted()
    let ownerUrl = config.databaseUrl
    if (ownerUrl === undefined) {
      const { dataDir, postgresPort: port } = config
      const settings = [`max_connections=${embeddedConnections(config)}`]
      postgres = startEmbeddedPostgres({ dataDir, port, settings, signal, tell: say })
      ownerUrl = (await postgres).url
    }
    signal.throwIfAborted()
    const { urls, sealing } = await prepareDatabase(config, ownerUrl, say)
    signal.throwIfAborted()
    let firstOperator: string | undefined
    const running = startSupervisor({
      config,
      roles: localRoles({ urls, sealing, config }),
      say,
      onMessage: (message) => {
        if (message.type === 'first-operator') firstOperator = message.url
      },
      onChange: () => {
        if (!signal.aborted) writeRunFile(config, supervisor?.pids() ?? [])
      },
    })
    supervisor = running
    writeRunFile(config, running.pids())
    await running.ready()
    signal.throwIfAborted()
    greet(config, say, firstOperator, performance.now() - startedAt)
  } catch (error) {
    // Asked to end: that is what happens now, and how far the start had come does not matter.
    if (signal.aborted) return await stop()
    await stop()
    throw error
  }
}

/** Ctrl-C, or the end of the npm that started this, stops everything; a second Ctrl-C a second later does so at once. */
function onEndAsked(say: Say, stop: () => Promise<void>, killRoles: () => void): void {
  let asked: number | undefined
  const end = (): void => {
    if (asked !== undefined) {
      // npm passes on the signal that the terminal sent to the whole group already: that is one Ctrl-C, not two.
      if (performance.now() - asked > 1_000) killRoles()
      return
    }
    asked = performance.now()
    say('Stopping …')
    void stop().then(
      () => process.exit(0),
      (error: unknown) => {
        say(`wayleave: stopping failed: ${String(error)}`)
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)
  if (inheritedEnvironment().npm_lifecycle_event === undefined) return
  const npm = process.ppid
  setInterval(() => {
    if (asked === undefined && process.ppid !== npm) end()
  }, 500).unref()
}

function greet(config: Config, say: Say, firstOperator: string | undefined, ms: number): void {
  const { portal, authorization, gateways } = config
  const line = (label: string, value: string): void => say(`  ${label.padEnd(22)}${value}`)
  say(`\nWayleave ${config.version} is ready (${(ms / 1_000).toFixed(1)} s).\n`)
  line('Portal', portal.url)
  line('Operator console', `${portal.url}/console`)
  line('Management API', `${portal.url}/management/v1`)
  line('Sandbox gateway', `${gateways.sandbox.url}   ${gateways.sandbox.tlsUrl}`)
  line('Production gateway', `${gateways.production.url}   ${gateways.production.tlsUrl}`)
  line('Authorization', `${authorization.url}/sandbox   ${authorization.url}/production`)
  const { tls } = authorization
  if (tls !== undefined) line('  by certificate', `${tls.url}/sandbox   ${tls.url}/production`)
  if (firstOperator !== undefined) {
    say(`\n  Become the first operator (works once, for 15 minutes):\n  ${firstOperator}`)
  }
  say(
    `\n  Logs are in ${path.relative(process.cwd(), path.join(config.dataDir, 'logs')) || '.'}. Ctrl-C stops everything.`,
  )
}

function alreadyRuns(config: Config): string {
  const run = readRunFile(config)
  const who = run === undefined ? '' : ` (process ${run.pid}, ${run.portal})`
  return [
    `Wayleave already runs on the data in ${config.dataDir}${who}. Nothing was changed.`,
    'Stop it with Ctrl-C where it runs, or start a second one beside it with its own data and ports:',
    '  WAYLEAVE_DATA_DIR=./data-2 PORT_BASE=28080 npm start',
  ].join('\n')
}

async function requireFreePorts(config: Config): Promise<void> {
  const faults = await portFaults(config)
  if (faults.length === 0) return
  throw new StartRefused(
    [
      'Wayleave cannot start: it needs ports that it cannot have.',
      ...faults.map(({ text }) => `  ${text}`),
      '  PORT_BASE moves the whole block: PORT_BASE=28080 npm start',
    ].join('\n'),
  )
}
