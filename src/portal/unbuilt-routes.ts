import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'

/** Without built pages the APIs still work; a page says what is missing. */
export const unbuiltRoutes: Routes = (server) => {
  server.get(
    '/*',
    { config: { access: 'public' }, schema: { hide: true } },
    async (request, reply) => {
      if (/^\/(management|internal|assets)\//.test(request.url)) return reply.callNotFound()
      throw new AppError(
        'UNAVAILABLE',
        'The pages are not built: run `npm run build`, then start again.',
      )
    },
  )
}
