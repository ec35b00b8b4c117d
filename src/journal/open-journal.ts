import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { randomText } from '#platform/ids'
import type { Log } from '#platform/log'
import { diskFiles, type JournalFiles } from './journal-files.ts'
import { encodeLine } from './line.ts'
import { segmentName } from './list-segments.ts'
import { lockFolder } from './lock-folder.ts'
import type { JournalRecord } from './record.ts'
import { recoverSegments, sealLeftover } from './recover.ts'
import { type SealedSegment, SegmentWriter } from './segment-writer.ts'
import { createShipper } from './shipper.ts'

/**
 * A record before the journal has given it its place in a segment.
 * @public
 */
export type NewRecord = Omit<JournalRecord, 'index'>

/** @public */
export type Appended = (error: Error | undefined) => void

/** @public */
export interface Journal {
  /** this start of this gateway */
  readonly boot: string
  /**
   * Writes the record down, together with all others of this turn of the event loop in one `write(2)`, and then calls
   * back. Until then nothing of the exchange may leave the process.
   */
  append(record: NewRecord, done: Appended): void
  /** false while the disk refuses: a call that would be billed must then be refused before it acts */
  healthy(): boolean
  /** sealed segments that the intake has not acknowledged, and how long the oldest of them has waited */
  backlog(): { segments: number; oldestMs: number }
  /** counts what is not recorded one by one; the sums go into the footer of the segment */
  count(name: string): void
  /** Writes what is left, seals, and ships for at most `deadlineMs`; what is not shipped then is, at the next start. */
  stop(deadlineMs?: number): Promise<void>
}

/** @public */
export type JournalOptions = {
  /** each gateway has a folder of its own below */
  folder: string
  gatewayId: string
  environment: 'sandbox' | 'production'
  /** when records are forced to the disk: kill -9 loses nothing with any of them, a power cut only with `always` */
  sync: 'never' | 'interval' | 'always'
  now: () => number
  log: Log
  /** where sealed segments go; without it they stay in the folder */
  ship?: { url: string; token: string } | undefined
  files?: JournalFiles
  segmentBytes?: number
  segmentMs?: number
  /** below this much free space the journal refuses, so that what has begun can still be written down */
  reserveBytes?: number
}

type Entry = { done: Appended; json: string; units: number }
type Open = {
  writer: SegmentWriter
  /** records that are written and wait for the disk to say that it has them */
  unsynced: Entry[]
  syncing: boolean
  syncedLength: number
  dirty: boolean
  sealed: SealedSegment | undefined
}

const syncEveryMs = 100
const probeEveryMs = 250

/**
 * Opens the journal of one gateway. Segments that earlier starts left behind are sealed and shipped first.
 * @throws when another process has it open
 * @public
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  if (!/^[a-zA-Z0-9._-]{1,64}$/.test(options.gatewayId) || /^\.+$/.test(options.gatewayId))
    throw new TypeError('a gateway id is 1 to 64 letters, digits, dots, hyphens or underscores')
  const { log, now } = options
  const home = path.join(options.folder, options.gatewayId)
  const lock = lockFolder(home)
  try {
    const leftovers = recoverSegments(home, options.gatewayId, { now: now(), log })
    return new SegmentedJournal(options, home, leftovers, lock)
  } catch (error) {
    lock.release()
    throw error
  }
}

function writeGroup(writer: SegmentWriter, entries: readonly Entry[]): void {
  let text = ''
  let units = 0
  let index = writer.count
  for (const entry of entries) {
    text += encodeLine('R', `{"index":${index},${entry.json.slice(1)}`)
    units += entry.units
    index += 1
  }
  writer.write(Buffer.from(text), entries.length, units)
}

class SegmentedJournal implements Journal {
  readonly boot: string
  #options: JournalOptions
  #files: JournalFiles
  #home: string
  #lock: { release(): void }
  #shipper: ReturnType<typeof createShipper> | undefined
  #entries: Entry[] = []
  #scheduled = false
  #current: Open | undefined
  #sequence = 0
  #previous: string | null = null
  #counters: Record<string, number> = {}
  #failure: Error | undefined
  #unsealed: { path: string; boot: string; sequence: number; safeLength: number }[] = []
  #stopped = false
  #timers: NodeJS.Timeout[] = []
  #settling = new Set<Promise<void>>()

  constructor(
    options: JournalOptions,
    home: string,
    leftovers: readonly SealedSegment[],
    lock: { release(): void },
  ) {
    const { now, log, ship, gatewayId } = options
    this.#options = options
    this.#files = options.files ?? diskFiles
    this.#home = home
    this.#lock = lock
    this.boot = `${now().toString(36).padStart(9, '0')}${randomText(8)}`
    mkdirSync(path.join(home, this.boot), { recursive: true })
    this.#shipper =
      ship === undefined ? undefined : createShipper({ home, gatewayId, now, log, ...ship })
    for (const segment of leftovers) this.#shipper?.enqueue(segment)
    const segmentMs = options.segmentMs ?? 1_000
    this.#timers.push(setInterval(() => this.#rotateIfUsed(), segmentMs).unref())
    if (options.sync === 'interval')
      this.#timers.push(setInterval(() => this.#syncIfDirty(), syncEveryMs).unref())
  }

  healthy(): boolean {
    return this.#failure === undefined
  }

  backlog(): { segments: number; oldestMs: number } {
    return this.#shipper?.backlog() ?? { segments: 0, oldestMs: 0 }
  }

  count(name: string): void {
    this.#counters[name] = (this.#counters[name] ?? 0) + 1
  }

  append(record: NewRecord, done: Appended): void {
    if (this.#failure !== undefined || this.#stopped) {
      setImmediate(done, this.#failure ?? new Error('the journal is closed'))
      return
    }
    this.#entries.push({ done, json: JSON.stringify(record), units: record.units })
    if (!this.#scheduled) {
      this.#scheduled = true
      // After the poll phase of this turn: every response that the turn produced is in the same write.
      setImmediate(() => this.#flush())
    }
  }

  async stop(deadlineMs = 5_000): Promise<void> {
    if (this.#stopped) return
    this.#flush()
    this.#stopped = true
    for (const timer of this.#timers) clearInterval(timer)
    const open = this.#current
    if (open !== undefined && open.writer.count === 0) {
      open.writer.abandon()
      rmSync(open.writer.path, { force: true })
      this.#current = undefined
    } else this.#seal()
    await Promise.all(this.#settling)
    await this.#shipper?.stop(deadlineMs)
    this.#lock.release()
  }

  #flush(): void {
    this.#scheduled = false
    const entries = this.#entries
    if (entries.length === 0) return
    this.#entries = []
    if (this.#failure !== undefined) {
      this.#release(entries, this.#failure)
      return
    }
    let open: Open
    try {
      open = this.#current ?? this.#open()
      writeGroup(open.writer, entries)
    } catch (error) {
      this.#fail(error)
      this.#release(entries, this.#failure)
      return
    }
    open.dirty = true
    const always = this.#options.sync === 'always'
    if (always) {
      open.unsynced.push(...entries)
      this.#sync(open)
    }
    if (open.writer.length >= (this.#options.segmentBytes ?? 4 * 1_048_576)) this.#seal()
    if (!always) this.#release(entries, undefined)
  }

  #release(entries: readonly Entry[], error: Error | undefined): void {
    for (const { done } of entries) {
      try {
        done(error)
      } catch (thrown) {
        this.#options.log.error({ err: thrown }, 'what follows a journal record failed')
      }
    }
  }

  #open(): Open {
    const writer = new SegmentWriter(
      this.#files,
      path.join(this.#home, this.boot, segmentName(this.#sequence)),
      {
        format: 1,
        gatewayId: this.#options.gatewayId,
        environment: this.#options.environment,
        boot: this.boot,
        sequence: this.#sequence,
        openedAt: this.#options.now(),
      },
    )
    this.#sequence += 1
    this.#current = {
      writer,
      unsynced: [],
      syncing: false,
      syncedLength: writer.length,
      dirty: true,
      sealed: undefined,
    }
    return this.#current
  }

  #rotateIfUsed(): void {
    this.#flush()
    if (this.#current !== undefined && this.#current.writer.count > 0) this.#seal()
    if (this.#failure === undefined && !this.#hasRoom()) this.#fail(new Error('the disk is full'))
  }

  #seal(): void {
    const open = this.#current
    if (open === undefined) return
    try {
      open.sealed = open.writer.seal({
        previous: this.#previous,
        counters: this.#counters,
        sealedAt: this.#options.now(),
      })
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#previous = open.sealed.sha256
    this.#counters = {}
    this.#current = undefined
    if (this.#options.sync === 'never') this.#finish(open)
    else this.#sync(open)
  }

  #finish(open: Open): void {
    open.writer.close()
    if (open.sealed !== undefined) this.#shipper?.enqueue(open.sealed)
  }

  #syncIfDirty(): void {
    if (this.#current?.dirty === true) this.#sync(this.#current)
  }

  /** One fdatasync at a time: those who come meanwhile share the next one. */
  #sync(open: Open): void {
    if (open.syncing) return
    open.syncing = true
    open.dirty = false
    const entries = open.unsynced
    open.unsynced = []
    const { length } = open.writer
    const sealedBefore = open.sealed !== undefined
    const settled = new Promise<void>((resolve) => {
      this.#files.sync(open.writer.fd, (error) => {
        open.syncing = false
        if (open.writer.closed) this.#release(entries, this.#failure ?? new Error('given up'))
        else if (error !== null) {
          this.#fail(error, open)
          this.#release(entries, this.#failure)
        } else {
          open.syncedLength = length
          this.#release(entries, undefined)
          if (open.unsynced.length > 0 || (open.sealed !== undefined && !sealedBefore))
            this.#sync(open)
          else if (open.sealed !== undefined) this.#finish(open)
        }
        resolve()
      })
    })
    this.#settling.add(settled)
    void settled.then(() => this.#settling.delete(settled))
  }

  /**
   * Gives the file up. With `always` nothing behind the last good fdatasync was acknowledged, and it is cut off; with
   * the other policies what was written was acknowledged, and whatever the disk kept is kept.
   */
  #fail(thrown: unknown, failed = this.#current): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    if (this.#failure === undefined) {
      this.#options.log.error({ err: error }, 'the journal cannot be written: calls are refused')
      this.#probeLater()
    }
    this.#failure = error
    if (failed === undefined || failed.writer.closed) return
    const { writer, unsynced } = failed
    const safeLength = this.#options.sync === 'always' ? failed.syncedLength : writer.length
    writer.abandon(safeLength)
    const { boot, sequence } = writer.header
    this.#unsealed.push({ path: writer.path, boot, sequence, safeLength })
    if (failed === this.#current) this.#current = undefined
    failed.unsynced = []
    this.#release(unsynced, error)
  }

  #probeLater(): void {
    if (!this.#stopped) setTimeout(() => this.#probe(), probeEveryMs).unref()
  }

  #probe(): void {
    if (this.#stopped) return
    try {
      if (!this.#hasRoom()) throw new Error('the disk is full')
      while (this.#unsealed[0] !== undefined) {
        const { safeLength, ...file } = this.#unsealed[0]
        const { log, now } = this.#options
        const recovery = { home: this.#home, previous: this.#previous, now: now(), log }
        const sealed = sealLeftover(file, recovery, safeLength)
        if (sealed !== undefined) {
          this.#previous = sealed.sha256
          this.#shipper?.enqueue(sealed)
        }
        this.#unsealed.shift()
      }
      if (this.#current === undefined) this.#open()
      this.#failure = undefined
      this.#options.log.info('the journal can be written again')
    } catch {
      this.#probeLater()
    }
  }

  #hasRoom(): boolean {
    try {
      return this.#files.freeBytes(this.#home) >= (this.#options.reserveBytes ?? 16 * 1_048_576)
    } catch {
      return false
    }
  }
}
