import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from './free-port.ts'

/**
 * A Redis server of a test's own, on a free port, in memory only.
 * @public
 */
export type TestRedis = {
  url: string
  port: number
  /** Stops or continues it as it is: connections stay open and nothing is answered. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends it at once; what it held is lost. */
  kill(): Promise<void>
  /** Starts it again on the same port, empty. */
  start(): Promise<void>
}

/**
 * Starts Debian's `redis-server` until the test ends.
 * @public
 */
export async function testRedis(t: {
  after: (fn: () => Promise<void> | void) => void
}): Promise<TestRedis> {
  const port = await freePort()
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-redis-'))
  let child: ChildProcess | undefined
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}/0`,
    port,
    signal: (name) => void child?.kill(name),
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
    async start() {
      const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder]
      child = spawn('redis-server', [...settings, '--save', '', '--appendonly', 'no'], {
        stdio: 'ignore',
      })
      await once(child, 'spawn')
      await answers(port)
    },
  }
  t.after(async () => {
    await redis.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await redis.start()
  return redis
}

/** Until it takes connections. */
async function answers(port: number): Promise<void> {
  const endMs = performance.now() + 30_000
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (connected) return
    if (performance.now() > endMs) throw new Error('redis-server does not take connections')
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}
