import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { documentedSubscribers } from './documented-subscribers.ts'
import type { ApplicationOwners, HandsetLink } from './inbox-routes.ts'
import type { SandboxSubscriber } from './schema.ts'

/** What the control side shows of the simulated operator: messages and numbers. */
export interface SandboxInbox {
  routes: Routes
  /** the documented numbers, people first */
  subscribers(): readonly SandboxSubscriber[]
}

/**
 * @example createSandboxInbox(platform, { partners, handsetLink }).routes
 */
export function createSandboxInbox(
  platform: Platform,
  deps: { partners: ApplicationOwners; handsetLink: HandsetLink },
): SandboxInbox {
  const subscribers = documentedSubscribers().toSorted(
    (a, b) => Number(b.kind === 'person') - Number(a.kind === 'person'),
  )
  return {
    subscribers: () => subscribers,
    async routes(server) {
      // Loaded here, because the simulated operator shares this face and must not carry the schema library.
      const { inboxRoutes } = await import('./inbox-routes.ts')
      await inboxRoutes(platform.database, deps)(server)
    },
  }
}
