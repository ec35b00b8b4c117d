import { createAttempts } from '#platform/attempts'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { createApiDirectory } from './api-directory.ts'
import { firstCall } from './first-call.ts'
import { createHighlighter } from './highlight-code.ts'
import { loadWeb } from './load-web.ts'
import { pageRoutes } from './page-routes.ts'
import type { PortalNeeds } from './portal-needs.ts'
import { shellRoutes } from './shell-routes.ts'
import { siteRoutes } from './site-routes.ts'
import { tryItRoutes } from './try-it-routes.ts'
import { unbuiltRoutes } from './unbuilt-routes.ts'

/** The pages of the portal and the console, and the explorer behind them. */
export interface Portal {
  /** for the root of the server, after the guard of identity */
  routes: Routes
}

/** @example createPortal(platform, { catalog, contracts, partners, sandbox }).routes */
export function createPortal(platform: Platform, needs: PortalNeeds): Portal {
  const directory = createApiDirectory(needs)
  return {
    async routes(server) {
      const web = await loadWeb(platform.config.root)
      await tryItRoutes(platform, {
        directory,
        partners: needs.partners,
        attempts: createAttempts(platform.database),
      })(server)
      await siteRoutes(platform, web)(server)
      if (web === undefined) {
        platform.log.warn('the pages are not built: run `npm run build`')
        await unbuiltRoutes(server)
        return
      }
      const numbers = () => needs.sandbox.subscribers()
      await shellRoutes(platform, web, async () =>
        firstCall(platform.config, await directory(), numbers()),
      )(server)
      await pageRoutes(platform, {
        web,
        directory,
        numbers,
        highlighter: createHighlighter(),
      })(server)
    },
  }
}
