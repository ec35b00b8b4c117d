import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { readCheckpointFile, readCheckpointLines } from './verify.mjs'

/** A signed checkpoint on its way out, with the public key that verifies it. */
export type ExportedCheckpoint = { checkpoint: string; key: string }

/**
 * A place outside the database that keeps checkpoints, and mostly can show them. What it took must be there after a
 * power cut, and it may be given the same one twice.
 * @public
 */
export interface CheckpointSink {
  /** stays the same for as long as the place does */
  name: string
  add(checkpoints: readonly ExportedCheckpoint[]): Promise<void>
  /**
   * All that it has, oldest first; undefined from a place that only takes.
   * @throws when the place cannot be read; `Refused` when it holds something else than checkpoints
   */
  list(): Promise<ExportedCheckpoint[] | undefined>
  /**
   * The last one that was added, without reading all of them; null from a place that shows what it has and has none,
   * undefined from one that only takes.
   * @param from size of a checkpoint that it is known to have
   * @throws as `list` does
   */
  newest(from?: number): Promise<ExportedCheckpoint | null | undefined>
}

/** A sink that always shows what it has. */
export interface ShowingSink extends CheckpointSink {
  list(): Promise<ExportedCheckpoint[]>
  newest(from?: number): Promise<ExportedCheckpoint | null>
}

/**
 * Lines of a file that only ever grows. Put it where who administers the database cannot write.
 * @public
 */
export function fileSink(folder: string): ShowingSink {
  const file = path.join(folder, 'checkpoints.jsonl')
  return {
    name: 'file',
    async add(checkpoints) {
      if (checkpoints.length === 0) return
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const handle = openSync(file, 'a', 0o600)
      try {
        // A new line first: what a killed process left of its last line stays a line of its own. One write, so that
        // two processes do not mix.
        const lines = checkpoints.map(({ checkpoint, key }) => JSON.stringify({ checkpoint, key }))
        const text = Buffer.from(`\n${lines.join('\n')}\n`)
        if (writeSync(handle, text) < text.length)
          throw new Error(`${file} took only a part of the checkpoints: is the disk full?`)
        fsyncSync(handle)
      } finally {
        closeSync(handle)
      }
      const parent = openSync(folder, 'r')
      fsyncSync(parent)
      closeSync(parent)
    },
    list: async () => (isThere(file) ? readCheckpointFile(file) : []),
    newest: async () => readCheckpointLines(tailOf(file)).at(-1) ?? null,
  }
}

/** Room for a hundred checkpoints. */
const tailBytes = 65_536

/** @throws when it cannot be told: a place that cannot be looked at is not an empty one */
const isThere = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined

/** The last whole lines of a file that may be absent. */
function tailOf(file: string): string {
  if (!isThere(file)) return ''
  const handle = openSync(file, 'r')
  try {
    const { size } = fstatSync(handle)
    if (size <= tailBytes) return readFileSync(handle, 'utf8')
    const tail = Buffer.alloc(tailBytes)
    const read = readSync(handle, tail, 0, tailBytes, size - tailBytes)
    return tail.toString('utf8', tail.indexOf('\n') + 1, read)
  } finally {
    closeSync(handle)
  }
}
