import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Agent, request } from 'undici'
import type { Log } from '#platform/log'
import { segmentsOf } from './list-segments.ts'
import { sha256 } from './segment.ts'
import type { SealedSegment } from './segment-writer.ts'

const compress = promisify(gzip)
const retentionMs = 7 * 24 * 3_600_000
const sweepEveryMs = 3_600_000
const firstBackoffMs = 100
const longestBackoffMs = 2_000

export interface Shipper {
  enqueue(segment: SealedSegment): void
  backlog(): { segments: number; oldestMs: number }
  /** resolves when everything is acknowledged, or the deadline has passed */
  stop(deadlineMs: number): Promise<void>
}

/**
 * Carries sealed segments to the intake, oldest first, one at a time, until each is acknowledged. At least once: the
 * intake knows a segment by gateway, boot, sequence and hash, and applies it once.
 */
export function createShipper(options: {
  home: string
  gatewayId: string
  /** the address of control's internal listener */
  url: string
  token: string
  now: () => number
  log: Log
}): Shipper {
  const { home, log } = options
  const queue: SealedSegment[] = []
  let client: { agent: Agent; request: typeof request } | undefined
  let running = false
  let stopped = false
  let backoffMs = firstBackoffMs
  let quiet = false
  let wake: (() => void) | undefined
  let drained: (() => void) | undefined

  const run = async (): Promise<void> => {
    if (running) return
    running = true
    while (!stopped) {
      const segment = queue[0]
      if (segment === undefined) break
      if (await deliver(segment)) {
        queue.shift()
        backoffMs = firstBackoffMs
        quiet = false
      } else {
        await pause(backoffMs)
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs)
      }
    }
    running = false
    drained?.()
  }

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  /** @returns whether the segment is settled: acknowledged, or set aside */
  const deliver = async (segment: SealedSegment): Promise<boolean> => {
    try {
      const bytes = await readFile(segment.path)
      client ??= await openClient()
      const { statusCode, body } = await client.request(
        `${options.url}/internal/v1/journal/segments`,
        {
          method: 'POST',
          dispatcher: client.agent,
          headers: {
            authorization: `Bearer ${options.token}`,
            'content-type': 'application/octet-stream',
            'content-encoding': 'gzip',
            'x-wayleave-gateway': options.gatewayId,
            'x-wayleave-boot': segment.boot,
            'x-wayleave-sequence': String(segment.sequence),
            'x-wayleave-sha256': sha256(bytes),
          },
          body: await compress(bytes, { level: 1 }),
        },
      )
      await body.dump()
      if (statusCode >= 200 && statusCode < 300) {
        move(segment, 'shipped')
        return true
      }
      if (statusCode === 409) {
        const kept = move(segment, 'quarantine')
        log.error(
          { file: kept, boot: segment.boot, sequence: segment.sequence },
          'the intake refused a journal segment: it knows another one of the same name. It is set aside; its calls are not billed until someone decides',
        )
        return true
      }
      complain({ status: statusCode })
      return false
    } catch (error) {
      if (isMissing(error)) {
        log.error({ file: segment.path }, 'a sealed journal segment is gone from the disk')
        return true
      }
      complain({ err: error })
      return false
    }
  }

  // Control being away is normal for a while: said once, not every two seconds.
  const complain = (fields: object): void => {
    if (quiet || stopped) return
    quiet = true
    log.warn(fields, 'the journal intake does not answer as it should; segments wait on the disk')
  }

  const move = (segment: SealedSegment, place: 'shipped' | 'quarantine'): string => {
    const folder = path.join(home, place, segment.boot)
    mkdirSync(folder, { recursive: true })
    const target = path.join(folder, path.basename(segment.path))
    renameSync(segment.path, target)
    return target
  }

  const sweep = (): void => {
    try {
      for (const file of segmentsOf(home, options.gatewayId)) {
        if (file.place !== 'shipped') continue
        if (statSync(file.path).mtimeMs < options.now() - retentionMs) rmSync(file.path)
      }
      removeEmptyFolders(path.join(home, 'shipped'))
    } catch (error) {
      log.warn({ err: error }, 'old journal segments could not be removed')
    }
  }

  sweep()
  const sweeper = setInterval(sweep, sweepEveryMs)
  sweeper.unref()
  let asked: { path: string; sinceMs: number } | undefined
  /** When it was sealed: what an earlier start left waits for longer than this process runs. */
  const sinceMs = ({ path: file }: SealedSegment): number => {
    if (asked?.path !== file) asked = { path: file, sinceMs: sealedAt(file) ?? options.now() }
    return asked.sinceMs
  }
  return {
    backlog() {
      const oldest = queue[0]
      const oldestMs = oldest === undefined ? 0 : Math.max(0, options.now() - sinceMs(oldest))
      return { segments: queue.length, oldestMs }
    },
    enqueue(segment) {
      queue.push(segment)
      void run()
    },
    async stop(deadlineMs) {
      clearInterval(sweeper)
      if (running) {
        wake?.()
        const finished = new Promise<void>((resolve) => {
          drained = resolve
        })
        const deadline = setTimeout(() => {
          stopped = true
          wake?.()
          void client?.agent.destroy()
        }, deadlineMs)
        await finished
        clearTimeout(deadline)
      }
      stopped = true
      await client?.agent.destroy()
    },
  }
}

/** Loaded when there is something to ship: a gateway serves sooner without it. */
async function openClient(): Promise<{ agent: Agent; request: typeof request }> {
  const undici = await import('undici')
  const agent = new undici.Agent({
    connections: 1,
    connect: { timeout: 2_000 },
    headersTimeout: 15_000,
    bodyTimeout: 15_000,
  })
  return { agent, request: undici.request }
}

function sealedAt(file: string): number | undefined {
  try {
    return statSync(file).mtimeMs
  } catch {
    return undefined
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

function removeEmptyFolders(root: string): void {
  if (!existsSync(root)) return
  for (const boot of readdirSync(root)) {
    const folder = path.join(root, boot)
    if (readdirSync(folder).length === 0) rmdirSync(folder)
  }
}
