import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/**
 * Removes a folder with everything in it. A process that is just ending may still write into it: then again.
 * @public
 */
export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 15, retryDelay: 50 })

/**
 * A folder of its own for a test, removed after it.
 * @public
 */
export function testFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-test-'))
  t.after(() => removeFolder(folder))
  return folder
}
