import type { DatabasePool } from '#platform/database'
import { documentedSubscribers } from './documented-subscribers.ts'
import { listMessages } from './store.ts'
import type { SandboxTables } from './tables.ts'

/** What the virtual handset shows of the simulated operator. */
export interface SandboxHandsets {
  /** people, no failures: those that somebody may want to be */
  subscribers(): readonly { phoneNumber: string; title: string; behaviour: string }[]
  /** the newest first; of these senders only, because a seeded number is shared and its messages are not */
  messagesTo(
    phoneNumber: string,
    senders: readonly string[],
  ): Promise<{ id: string; text: string; receivedAt: Date }[]>
}

const shown = 20

export function createSandboxHandsets(database: DatabasePool): SandboxHandsets {
  const people = documentedSubscribers().filter(({ kind }) => kind === 'person')
  const db = database.as<SandboxTables>()
  return {
    subscribers: () => people,
    async messagesTo(phoneNumber, senders) {
      const page = { limit: shown, offset: 0 }
      return (await listMessages(db, { applicationIds: senders, phoneNumber }, page)).items
    },
  }
}
