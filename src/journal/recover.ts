import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import type { Log } from '#platform/log'
import { decodeLine } from './line.ts'
import { segmentsOf } from './list-segments.ts'
import { encodeFooter, readSegment, sha256 } from './segment.ts'
import type { SealedSegment } from './segment-writer.ts'

type Recovery = { home: string; previous: string | null; now: number; log: Log }

/**
 * Seals a segment that its writer did not: cuts what follows the last sound record and writes the footer. Records
 * after the cut were never acknowledged, because a response leaves only after its whole group of records is written.
 * @param safeLength what the writer knows to be acknowledged, when it is still there to tell
 * @returns undefined when the file never held a record, not even its own header
 */
export function sealLeftover(
  file: { path: string; boot: string; sequence: number },
  options: Recovery,
  safeLength?: number,
): SealedSegment | undefined {
  const all = readFileSync(file.path)
  const bytes = safeLength === undefined ? all : all.subarray(0, safeLength)
  const read = readSegment(bytes)
  if (read.ok) return { ...identity(file), sha256: read.sha256 }
  if (read.header === undefined) {
    rmSync(file.path)
    return undefined
  }
  keepDamage(file, all.subarray(read.soundBytes), options)
  const sound = bytes.subarray(0, read.soundBytes)
  const footer = encodeFooter({
    count: read.records.length,
    units: read.records.reduce((sum, record) => sum + record.units, 0),
    sha256: sha256(sound),
    previous: options.previous,
    counters: {},
    sealedAt: options.now,
    recovered: true,
  })
  const fd = openSync(file.path, 'r+')
  try {
    ftruncateSync(fd, sound.length)
    writeSync(fd, footer, sound.length)
    fdatasyncSync(fd)
  } finally {
    closeSync(fd)
  }
  return { ...identity(file), sha256: sha256(Buffer.concat([sound, Buffer.from(footer)])) }
}

/** Every segment of earlier boots that waits to be shipped, sealed, oldest first. */
export function recoverSegments(
  home: string,
  gatewayId: string,
  options: Omit<Recovery, 'home' | 'previous'>,
): SealedSegment[] {
  const sealed: SealedSegment[] = []
  let last: SealedSegment | undefined
  // Those that were shipped are read too: a leftover chains to the last one of its boot.
  for (const file of segmentsOf(home, gatewayId)) {
    const previous = last?.boot === file.boot ? last.sha256 : null
    if (file.place !== 'waiting') {
      last = { ...identity(file), sha256: sha256(readFileSync(file.path)) }
      continue
    }
    const segment = sealLeftover(file, { ...options, home, previous })
    if (segment === undefined) continue
    last = segment
    sealed.push(segment)
  }
  return sealed
}

const identity = (file: { path: string; boot: string; sequence: number }) => ({
  path: file.path,
  boot: file.boot,
  sequence: file.sequence,
})

/** A torn tail is thrown away; anything sound behind a fault means that the disk lost something, and is kept. */
function keepDamage(
  file: { path: string; boot: string; sequence: number },
  tail: Buffer,
  options: Recovery,
): void {
  let next = tail.indexOf(0x0a) + 1
  while (next > 0 && next < tail.length) {
    if (decodeLine(tail, next)?.kind === 'R') {
      const folder = path.join(options.home, 'quarantine', file.boot)
      mkdirSync(folder, { recursive: true })
      const kept = path.join(folder, `${path.basename(file.path)}.damaged`)
      writeFileSync(kept, tail)
      options.log.error(
        { file: file.path, kept },
        'a journal segment is damaged in its middle: the bytes behind the fault are kept aside',
      )
      return
    }
    next = tail.indexOf(0x0a, next) + 1
  }
}
