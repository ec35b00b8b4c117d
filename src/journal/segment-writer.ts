import { createHash } from 'node:crypto'
import type { JournalFiles } from './journal-files.ts'
import { encodeFooter, encodeHeader, type SegmentHeader } from './segment.ts'

/** A sealed file, ready to be shipped. */
export type SealedSegment = {
  path: string
  boot: string
  sequence: number
  sha256: string
}

/**
 * One open segment file. `write` is all or nothing: what a failing disk took of a group of lines is cut off again, so
 * that the file holds whole groups only.
 */
export class SegmentWriter {
  readonly path: string
  readonly header: SegmentHeader
  readonly fd: number
  closed = false
  #files: JournalFiles
  #hash = createHash('sha256')
  #length = 0
  #count = 0
  #units = 0

  constructor(files: JournalFiles, path: string, header: SegmentHeader) {
    this.path = path
    this.header = header
    this.#files = files
    this.fd = files.open(path)
    try {
      this.write(Buffer.from(encodeHeader(header)), 0, 0)
    } catch (error) {
      this.abandon()
      throw error
    }
  }

  get length(): number {
    return this.#length
  }

  get count(): number {
    return this.#count
  }

  /** @throws what the disk says; the file is then as it was before, as far as the disk still obeys */
  write(bytes: Buffer, count: number, units: number): void {
    const start = this.#length
    try {
      this.#writeAt(bytes, start)
    } catch (error) {
      this.#cut(start)
      throw error
    }
    this.#length = start + bytes.length
    this.#hash.update(bytes)
    this.#count += count
    this.#units += units
  }

  /** Writes the footer. The caller closes the file when it has forced it to the disk. */
  seal(footer: {
    previous: string | null
    counters: Readonly<Record<string, number>>
    sealedAt: number
  }): SealedSegment {
    const whole = this.#hash.copy()
    const bytes = Buffer.from(
      encodeFooter({
        count: this.#count,
        units: this.#units,
        sha256: this.#hash.digest('hex'),
        ...footer,
        recovered: false,
      }),
    )
    this.#writeAt(bytes, this.#length)
    return {
      path: this.path,
      boot: this.header.boot,
      sequence: this.header.sequence,
      sha256: whole.update(bytes).digest('hex'),
    }
  }

  /** Gives the file up, cut to `length`; recovery seals it when the disk is well again. */
  abandon(length = this.#length): void {
    if (this.closed) return
    this.#cut(length)
    this.close()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    try {
      this.#files.close(this.fd)
    } catch {
      // The descriptor is gone either way.
    }
  }

  #writeAt(bytes: Buffer, start: number): void {
    let written = 0
    while (written < bytes.length) {
      const taken = this.#files.write(this.fd, bytes, written, start + written)
      if (taken <= 0) throw new Error('the disk took no bytes')
      written += taken
    }
  }

  #cut(length: number): void {
    try {
      this.#files.truncate(this.fd, length)
    } catch {
      // A disk that cannot even shorten a file: the caller remembers the sound length and recovery cuts there.
    }
  }
}
