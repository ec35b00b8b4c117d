import type { Platform } from '#platform/module'
import { addMessage } from './store.ts'
import type { SandboxTables } from './tables.ts'

/** Messages of the operator itself, in nobody's matter. */
const operator = 'operator'

/**
 * Messages to simulated handsets: they arrive in the inbox at once. Numbers of people are refused, so that no mistake in
 * the sandbox can reach anybody.
 */
export function createSandboxSms(
  platform: Pick<Platform, 'database' | 'newId' | 'clock'>,
): (phoneNumber: string, text: string, applicationId?: string) => Promise<void> {
  const db = platform.database.as<SandboxTables>()
  return async (phoneNumber, text, applicationId = operator) => {
    if (!/^\+990[0-9]{4,12}$/.test(phoneNumber))
      throw new Error('only numbers that begin with +990 have a simulated handset')
    await addMessage(db, {
      id: platform.newId('message'),
      applicationId,
      phoneNumber,
      text: text.replaceAll('\u0000', ''),
      receivedAt: platform.clock.now(),
    })
  }
}
