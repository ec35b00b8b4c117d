import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, statSync, truncateSync } from 'node:fs'
import path from 'node:path'
import { identity, serverEnvironment } from './postgres-cluster.ts'
import type { Account } from './unprivileged-account.ts'

/** A started server, by the shell that guards it. */
export type Server = ChildProcess

/**
 * The server is the child of a small shell that holds a pipe to us: when the pipe closes, however we ended, the shell
 * asks the server for a fast shutdown. It ends after the server, never before.
 */
const guardian = `"$@" </dev/null 3<&- &
server=$!
exec 3<&0
trap 'kill -INT $server' INT TERM HUP
trap 'kill -QUIT $server' QUIT
{ cat <&3 >/dev/null; kill -INT $server; } 2>/dev/null &
watch=$!
while :; do
  wait $server
  status=$?
  kill -0 $server 2>/dev/null || break
done
kill $watch 2>/dev/null
exit $status`

const largestLog = 20 * 1024 * 1024
const fastShutdownMs = 15_000

export function launchServer(options: {
  native: string
  folder: string
  port: number
  settings: readonly string[]
  logFile: string
  account: Account | undefined
}): Server {
  const settings = [
    `port=${options.port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=120',
    'shared_buffers=48MB',
    'max_wal_size=512MB',
    'timezone=UTC',
    'log_timezone=UTC',
    'jit=off',
    ...options.settings,
  ]
  const program = [path.join(options.native, 'bin', 'postgres'), '-D', options.folder]
  const log = openLog(options.logFile)
  const child = spawn(
    '/bin/sh',
    [
      ...['-c', guardian, 'wayleave-postgres', ...program],
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    {
      ...identity(options.account),
      cwd: '/',
      env: serverEnvironment(),
      detached: true,
      stdio: ['pipe', log, log],
    },
  )
  closeSync(log)
  child.stdin?.on('error', () => undefined)
  child.once('exit', () => child.stdin?.destroy())
  return child
}

function openLog(file: string): number {
  try {
    if (statSync(file).size > largestLog) truncateSync(file)
  } catch {
    // There is none yet.
  }
  return openSync(file, 'a', 0o600)
}

const hasEnded = (server: Server): boolean =>
  server.exitCode !== null || server.signalCode !== null || server.pid === undefined

const howOf = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === null ? `with exit code ${code}` : `by ${signal}`

/** Resolves when the server has ended, with how. */
export function endingOf(server: Server): Promise<string> {
  if (hasEnded(server)) return Promise.resolve(howOf(server.exitCode, server.signalCode))
  return new Promise((resolve) => {
    server.once('exit', (code, signal) => {
      resolve(howOf(code, signal))
    })
    server.once('error', (error) => {
      resolve(`: ${error.message}`)
    })
  })
}

export async function stopServer(server: Server): Promise<void> {
  if (hasEnded(server)) return
  const gone = endingOf(server)
  server.kill('SIGINT')
  const timer = setTimeout(() => server.kill('SIGQUIT'), fastShutdownMs)
  await gone
  clearTimeout(timer)
}
