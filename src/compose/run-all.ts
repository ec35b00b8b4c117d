import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '#platform/config'
import { ensureDatabaseRoles } from '#platform/database-roles'
import {
  type EmbeddedPostgres,
  endOrphanServer,
  startEmbeddedPostgres,
} from '#platform/embedded-postgres'
import { lockFolder } from '#platform/instance-lock'
import { loadMasterKey } from '#platform/master-key'
import { migrate } from '#platform/migrations'
import { isPortFree, portOwner } from '#platform/port-owner'
import { processCommand } from '#platform/process-command'
import { createSealing } from '#platform/sealing'
import { migrated } from '../modules.ts'
import { localRoles } from './role-environment.ts'
import { type Supervisor, startSupervisor } from './supervisor.ts'

/** A start that is refused for a reason that a person can mend; its message is all that is shown. */
export class StartRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StartRefused'
  }
}

/** Gateways first, so that they can still ship their journals to control. */
const stopOrder = [
  ['gateway-production', 'gateway-sandbox'],
  ['sandbox', 'authorization'],
  ['control'],
] as const

/** The whole product on one machine: PostgreSQL if none is configured, the schema, and every role as a process. */
export async function runAll(config: Config, say: (line: string) => void): Promise<void> {
  const startedAt = performance.now()
  mkdirSync(config.dataDir, { recursive: true })
  const runFile = path.join(config.dataDir, 'run.json')
  const unlock = await lockFolder(config.dataDir)
  if (unlock === undefined) throw new StartRefused(alreadyRuns(config, runFile))
  await endLeftovers(runFile)
  if (config.databaseUrl === undefined) await endOrphanServer(config.dataDir)
  await requireFreePorts(config)

  let postgres: EmbeddedPostgres | undefined
  let supervisor: Supervisor | undefined
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      await supervisor?.stop(stopOrder)
      await postgres?.stop()
      rmSync(runFile, { force: true })
      await unlock()
    })()
    return stopping
  }
  let asked: number | undefined
  const onSignal = (): void => {
    // npm passes on the signal that the terminal sent to the whole group already: that is one Ctrl-C, not two.
    if (asked !== undefined && performance.now() - asked > 1_000) {
      for (const pid of supervisor?.pids() ?? []) kill(pid, 'SIGKILL')
      void postgres?.stop().finally(() => process.exit(130))
      return
    }
    if (asked !== undefined) return
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
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('SIGHUP', onSignal)

  try {
    const masterKey = loadMasterKey(config, { create: true })
    const sealing = createSealing(masterKey)
    if (config.databaseUrl === undefined) {
      postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, port: config.postgresPort })
    }
    const ownerUrl = config.databaseUrl ?? postgres?.url
    if (ownerUrl === undefined || stopping !== undefined) return await stop()
    await migrate(ownerUrl, path.join(config.root, 'src'), migrated)
    const restricted = await ensureDatabaseRoles(ownerUrl, sealing)
    if (stopping !== undefined) return await stop()
    let firstOperator: string | undefined
    const running = startSupervisor({
      config,
      roles: localRoles({ ownerUrl, restricted, sealing, masterKey, smtpUrl: config.smtpUrl }),
      say,
      onMessage: (message) => {
        if (message.type === 'first-operator') firstOperator = message.url
      },
      onChange: () => {
        if (stopping === undefined) writeRunFile(runFile, config, supervisor?.pids() ?? [])
      },
    })
    supervisor = running
    writeRunFile(runFile, config, running.pids())
    await running.ready()
    if (stopping !== undefined) return await stop()
    greet(config, say, firstOperator, performance.now() - startedAt)
  } catch (error) {
    if (stopping !== undefined) return await stopping
    await stop()
    throw error
  }
}

function greet(
  config: Config,
  say: (line: string) => void,
  firstOperator: string | undefined,
  ms: number,
): void {
  const { portal, authorization, gateways } = config
  const line = (label: string, value: string): void => say(`  ${label.padEnd(22)}${value}`)
  say(`\nWayleave ${config.version} is ready (${(ms / 1_000).toFixed(1)} s).\n`)
  line('Portal', portal.url)
  line('Operator console', `${portal.url}/console`)
  line('Management API', `${portal.url}/management/v1`)
  line('Sandbox gateway', `${gateways.sandbox.url}   ${gateways.sandbox.tlsUrl}`)
  line('Production gateway', `${gateways.production.url}   ${gateways.production.tlsUrl}`)
  line('Authorization', `${authorization.url}/sandbox   ${authorization.url}/production`)
  if (firstOperator !== undefined) {
    say(`\n  Become the first operator (works once, for 15 minutes):\n  ${firstOperator}`)
  }
  say(
    `\n  Logs are in ${path.relative(process.cwd(), path.join(config.dataDir, 'logs')) || '.'}. Ctrl-C stops everything.`,
  )
}

type RunFile = { pid: number; portal: string; children: number[] }

function writeRunFile(file: string, config: Config, children: number[]): void {
  const content: RunFile = { pid: process.pid, portal: config.portal.url, children }
  writeFileSync(file, `${JSON.stringify(content)}\n`, { mode: 0o644 })
}

function readRunFile(file: string): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RunFile
  } catch {
    return undefined
  }
}

function alreadyRuns(config: Config, runFile: string): string {
  const run = readRunFile(runFile)
  const who = run === undefined ? '' : ` (process ${run.pid}, ${run.portal})`
  return [
    `Wayleave already runs on the data in ${config.dataDir}${who}. Nothing was changed.`,
    'Stop it with Ctrl-C where it runs, or start a second one beside it with its own data and ports:',
    '  WAYLEAVE_DATA_DIR=./data-2 PORT_BASE=28080 npm start',
  ].join('\n')
}

/** The lock is ours, so roles that a killed supervisor left behind belong to nobody: they end now. */
async function endLeftovers(runFile: string): Promise<void> {
  const ours = (pid: number): boolean =>
    processCommand(pid)?.includes(`${path.sep}src${path.sep}main.ts`) === true
  const left = (readRunFile(runFile)?.children ?? []).filter(ours)
  for (let waited = 0; left.some(ours); waited += 100) {
    if (waited === 0) for (const pid of left) kill(pid, 'SIGTERM')
    if (waited === 5_000) for (const pid of left.filter(ours)) kill(pid, 'SIGKILL')
    if (waited > 10_000) return
    await delay(100)
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

async function requireFreePorts(config: Config): Promise<void> {
  const { gateways, host, internalHost } = config
  const wanted: [what: string, host: string, port: number, setting: string][] = [
    ['portal', host, config.portal.port, 'WAYLEAVE_PORTAL_PORT'],
    ['production gateway', host, gateways.production.port, 'WAYLEAVE_GATEWAY_PRODUCTION_PORT'],
    ['sandbox gateway', host, gateways.sandbox.port, 'WAYLEAVE_GATEWAY_SANDBOX_PORT'],
    [
      'production gateway, TLS',
      host,
      gateways.production.tlsPort,
      'WAYLEAVE_GATEWAY_PRODUCTION_TLS_PORT',
    ],
    ['sandbox gateway, TLS', host, gateways.sandbox.tlsPort, 'WAYLEAVE_GATEWAY_SANDBOX_TLS_PORT'],
    ['authorization servers', host, config.authorization.port, 'WAYLEAVE_AUTHORIZATION_PORT'],
    ['simulated operator', internalHost, config.simulator.port, 'WAYLEAVE_SIMULATOR_PORT'],
    [
      'control, internal',
      internalHost,
      config.control.internalPort,
      'WAYLEAVE_CONTROL_INTERNAL_PORT',
    ],
    [
      'authorization, internal',
      internalHost,
      config.authorization.internalPort,
      'WAYLEAVE_AUTHORIZATION_INTERNAL_PORT',
    ],
    [
      'production gateway, internal',
      internalHost,
      gateways.production.internalPort,
      'WAYLEAVE_GATEWAY_PRODUCTION_INTERNAL_PORT',
    ],
    [
      'sandbox gateway, internal',
      internalHost,
      gateways.sandbox.internalPort,
      'WAYLEAVE_GATEWAY_SANDBOX_INTERNAL_PORT',
    ],
    [
      'simulated operator, internal',
      internalHost,
      config.simulator.internalPort,
      'WAYLEAVE_SIMULATOR_INTERNAL_PORT',
    ],
  ]
  if (config.databaseUrl === undefined) {
    wanted.push(['embedded PostgreSQL', '127.0.0.1', config.postgresPort, 'WAYLEAVE_POSTGRES_PORT'])
  }
  const taken: string[] = []
  for (const [what, address, port, setting] of wanted) {
    if (await isPortFree(address, port)) continue
    const owner = portOwner(port)
    const by =
      owner === undefined
        ? 'by a process that this account may not see'
        : `by process ${owner.pid} (${owner.command})`
    taken.push(`  port ${port} (${what}) is taken ${by}: free it, or set ${setting}`)
  }
  if (taken.length === 0) return
  throw new StartRefused(
    [
      `Wayleave cannot start: ${taken.length === 1 ? 'a port is' : 'ports are'} taken.`,
      ...taken,
      '  PORT_BASE moves the whole block: PORT_BASE=28080 npm start',
    ].join('\n'),
  )
}
