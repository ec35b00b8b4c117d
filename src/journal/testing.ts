import { createLog } from '#platform/log'
import { type JournalOptions, type NewRecord, openJournal } from './open-journal.ts'

export const silent = createLog({ name: 'test', level: 'silent' })

export function testRecord(id: string, more: Partial<NewRecord> = {}): NewRecord {
  return {
    id,
    correlator: 'c-1',
    at: 1_750_000_000_000,
    environment: 'sandbox',
    method: 'POST',
    status: 200,
    totalMs: 1.25,
    requestBytes: 10,
    responseBytes: 20,
    units: 1,
    ...more,
  }
}

export const openTestJournal = (folder: string, more: Partial<JournalOptions> = {}) =>
  openJournal({
    folder,
    gatewayId: 'gtw_test',
    environment: 'sandbox',
    sync: 'never',
    now: Date.now,
    log: silent,
    reserveBytes: 0,
    ...more,
  })

/** Appends and waits for the acknowledgement. */
export const append = (
  journal: { append(record: NewRecord, done: (error: Error | undefined) => void): void },
  record: NewRecord,
): Promise<void> =>
  new Promise((resolve, reject) => {
    journal.append(record, (error) => (error === undefined ? resolve() : reject(error)))
  })

/** Polls until `check` gives something, for at most `deadlineMs`. */
export async function eventually<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 30_000,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const found = await check()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error('it did not happen in time')
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}
