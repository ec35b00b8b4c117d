import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { ApplicationOwners } from './inbox-routes.ts'

/** What the control side shows of the simulated operator: messages and numbers. */
export interface SandboxInbox {
  routes: Routes
}

/**
 * @example createSandboxInbox(platform, { partners }).routes
 */
export function createSandboxInbox(
  platform: Platform,
  deps: { partners: ApplicationOwners },
): SandboxInbox {
  return {
    async routes(server) {
      // Loaded here, because the simulated operator shares this face and must not carry the schema library.
      const { inboxRoutes } = await import('./inbox-routes.ts')
      await inboxRoutes(platform.database, deps.partners)(server)
    },
  }
}
