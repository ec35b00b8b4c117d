import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'

/**
 * Writes a small secret or name that is made once and must never change or be half: whole on the disk, or absent. Of
 * two that write at the same time, the first one stays.
 * @public
 */
export function writeOnce(file: string, content: string): void {
  const temporary = `${file}.${process.pid}`
  const handle = openSync(temporary, 'w', 0o600)
  try {
    writeSync(handle, content)
    fsyncSync(handle)
    linkSync(temporary, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    closeSync(handle)
    rmSync(temporary, { force: true })
  }
  const folder = openSync(path.dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
