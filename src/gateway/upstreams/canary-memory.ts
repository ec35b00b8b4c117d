import { hash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Log } from '#platform/log'
import { writeOnce } from '#platform/write-once'
import type { CanarySettings, RollBack } from './canary.ts'

/** Which canaries were rolled back: remembered over restarts, and shared by the workers of one gateway. */
export interface CanaryMemory {
  /** undefined unless this API was rolled back with these very settings */
  recall(apiId: string, settings: CanarySettings): RollBack | undefined
  keep(apiId: string, settings: CanarySettings, rollBack: RollBack): void
  /** The API was published with other settings, or without a canary. */
  forget(apiId: string): void
}

/** @param folder undefined: nothing is remembered */
export function createCanaryMemory(folder: string | undefined, log: Log): CanaryMemory {
  if (folder === undefined)
    return { recall: () => undefined, keep: () => undefined, forget: () => undefined }
  const fileOf = (apiId: string): string =>
    path.join(folder, `${apiId.replaceAll(/[^a-z0-9.-]/g, '_')}.json`)
  const nameOf = (settings: CanarySettings): string => hash('sha256', JSON.stringify(settings))
  const forget = (apiId: string): void => {
    try {
      rmSync(fileOf(apiId), { force: true })
    } catch (error) {
      log.warn({ err: error, api: apiId }, 'a rolled back canary cannot be forgotten')
    }
  }
  return {
    forget,
    recall(apiId, settings) {
      try {
        const { of, rollBack } = JSON.parse(readFileSync(fileOf(apiId), 'utf8'))
        return of === nameOf(settings) && typeof rollBack?.at === 'number' ? rollBack : undefined
      } catch {
        return undefined
      }
    },
    keep(apiId, settings, rollBack) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        forget(apiId)
        writeOnce(fileOf(apiId), JSON.stringify({ of: nameOf(settings), rollBack }))
      } catch (error) {
        log.warn(
          { err: error, api: apiId },
          'a rolled back canary will be tried again after a restart',
        )
      }
    },
  }
}
