import fs from 'node:fs'

/**
 * What the journal asks of the disk; passed in, so that tests can plant a full or broken one.
 * @public
 */
export type JournalFiles = {
  open(path: string): number
  /** writes at a position; returns how many bytes the disk took, which may be fewer */
  write(fd: number, bytes: Buffer, offset: number, position: number): number
  truncate(fd: number, length: number): void
  sync(fd: number, done: (error: Error | null) => void): void
  close(fd: number): void
  freeBytes(folder: string): number
}

/** @public */
export const diskFiles: JournalFiles = {
  // wx: a file of this name was never written before, so nothing is ever appended to an old one.
  open: (path) => fs.openSync(path, 'wx', 0o640),
  write: (fd, bytes, offset, position) =>
    fs.writeSync(fd, bytes, offset, bytes.length - offset, position),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
  sync: (fd, done) => fs.fdatasync(fd, done),
  close: (fd) => fs.closeSync(fd),
  freeBytes: (folder) => {
    const { bavail, bsize } = fs.statfsSync(folder)
    return bavail * bsize
  },
}
