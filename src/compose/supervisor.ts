import { type ChildProcess, fork } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'
import path from 'node:path'
import type { Config } from '#platform/config'
import { inheritedEnvironment } from '#platform/config'
import { gatewayFlags } from './gateway-flags.ts'
import { environmentOf, type Role } from './role-environment.ts'

/** What a child tells its supervisor. */
export type ChildMessage = { type: 'ready' } | { type: 'first-operator'; url: string }

export interface Supervisor {
  /** Resolves when every role is ready; rejects when one ends before it was. */
  ready(): Promise<void>
  pids(): number[]
  /** Ends the roles in the order of the argument, each group at once. */
  stop(order: readonly (readonly string[])[]): Promise<void>
}

type Child = {
  role: Role
  process: ChildProcess | undefined
  readyOnce: PromiseWithResolvers<void>
  wasReady: boolean
  restarts: number
  timer: NodeJS.Timeout | undefined
}

const largestLog = 20 * 1024 * 1024
const stopWithinMs = 26_000

/** Starts the roles, each a process of its own, and starts again one that ends although nobody asked it to. */
export function startSupervisor(options: {
  config: Config
  roles: readonly Role[]
  say: (line: string) => void
  onMessage: (message: ChildMessage) => void
  onChange: () => void
}): Supervisor {
  const { config, say } = options
  const logs = path.join(config.dataDir, 'logs')
  mkdirSync(logs, { recursive: true, mode: 0o700 })
  // Compiled code is kept between starts: they are faster, and no process carries the type stripper in its memory.
  const compileCache = path.join(config.root, 'node_modules', '.cache', 'compile')
  let stopping = false

  const launch = (child: Child): void => {
    const { role } = child
    const logFile = path.join(logs, `${role.name}.log`)
    keepSmall(logFile)
    const log = openSync(logFile, 'a', 0o600)
    const started = fork(path.join(config.root, 'src', 'main.ts'), [...role.args], {
      cwd: config.root,
      execArgv: [...process.execArgv, ...(role.args[0] === 'gateway' ? gatewayFlags : [])],
      env: {
        ...environmentOf(role, inheritedEnvironment()),
        NODE_COMPILE_CACHE: compileCache,
        // By its real path, which tells the processes of one folder from those of a copy.
        WAYLEAVE_DATA_DIR: config.dataDir,
      },
      // A group of its own: Ctrl-C in the terminal reaches the supervisor only, which stops the roles in order.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    child.process = started
    const startedAt = performance.now()
    started.on('message', (message: ChildMessage) => {
      if (message.type === 'ready') {
        child.wasReady = true
        child.readyOnce.resolve()
      } else options.onMessage(message)
    })
    started.once('error', () => undefined)
    started.once('exit', (code, signal) => {
      child.process = undefined
      options.onChange()
      if (stopping) return
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`
      if (!child.wasReady) {
        child.readyOnce.reject(
          new Error(`${role.name} ended ${how} before it was ready.\n${lastLines(logFile)}`),
        )
        return
      }
      if (performance.now() - startedAt > 60_000) child.restarts = 0
      const waitMs = Math.min(10_000, 100 * 2 ** child.restarts)
      child.restarts += 1
      // One that cannot start is tried again and again, and told of now and then.
      if (child.restarts <= 5 || child.restarts % 30 === 0) {
        const often = child.restarts > 1 ? ` (${child.restarts} times in a row)` : ''
        say(
          `${role.name} ended ${how}${often}; starting it again. Its log: ${path.relative(process.cwd(), logFile)}`,
        )
      }
      child.timer = setTimeout(() => launch(child), waitMs)
    })
    options.onChange()
  }

  const children = options.roles.map((role): Child => {
    const readyOnce = Promise.withResolvers<void>()
    readyOnce.promise.catch(() => undefined)
    return { role, process: undefined, readyOnce, wasReady: false, restarts: 0, timer: undefined }
  })
  for (const child of children) launch(child)

  return {
    async ready() {
      await Promise.all(children.map((child) => child.readyOnce.promise))
    },
    pids: () => children.flatMap((child) => child.process?.pid ?? []),
    async stop(order) {
      stopping = true
      for (const child of children) clearTimeout(child.timer)
      for (const group of order) {
        const members = children.filter((child) => group.includes(child.role.name))
        await Promise.all(members.map((child) => end(child.process)))
      }
    },
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
  await gone
  clearTimeout(timer)
}

/** A log file that has grown large begins anew at a start; what a long run writes is for the operator's collector. */
function keepSmall(file: string): void {
  try {
    if (statSync(file).size > largestLog) truncateSync(file)
  } catch {
    // There is none yet.
  }
}

function lastLines(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-8)
  return lines.map((line) => `  ${line}`).join('\n')
}
