import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { errorCodes } from '#platform/error-codes'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { CatalogView } from './api-directory.ts'
import { findPage, type PageSource, staticPaths } from './find-page.ts'
import { llmsText } from './llms-text.ts'
import type { Web } from './load-web.ts'
import { acceptedEncoding, type CachedPage, createPageCache, packed } from './page-cache.ts'
import type { Page, Site, TestNumber, Theme } from './schema.ts'
import { searchEntries } from './search-entries.ts'
import { secure } from './security-headers.ts'

export type PageRouteDeps = {
  web: Web
  directory: () => Promise<CatalogView>
  numbers: () => readonly TestNumber[]
  highlighter: PageSource['highlighter']
}

type Rendered = { text: string; type: string; status: number }

const publicEntry = 'web/portal/entry-client.ts'
const Query = Type.Object({ q: Type.Optional(Type.String({ maxLength: 120 })) })

/** The pages that need no account: rendered here, complete without script, the same for everybody of one theme. */
export function pageRoutes(platform: Platform, deps: PageRouteDeps): Routes {
  const { config } = platform
  const cache = createPageCache()
  const { web, highlighter } = deps

  const siteOf = (request: FastifyRequest, path: string): Site => ({
    operatorName: config.operatorName,
    version: config.version,
    currency: config.currency,
    theme: themeOf(request.headers.cookie),
    signedIn:
      request.actor.kind === 'partner' || request.actor.kind === 'operator'
        ? request.actor.kind
        : undefined,
    path,
    ...web.entry(publicEntry),
  })

  const render = async (
    path: string,
    query: string,
    site: Site,
    source: PageSource,
  ): Promise<Rendered | undefined> => {
    const twin = path.endsWith('.md') ? path.slice(0, -3) : undefined
    const page = await findPage(twin ?? path, query, source)
    if (page === undefined) return undefined
    if (twin !== undefined) {
      const text = web.renderer.markdownPage(site, page)
      if (text === undefined) return undefined
      return { text, type: 'text/markdown; charset=utf-8', status: 200 }
    }
    const files = web.entry(publicEntry, islandOf(page))
    const text = web.renderer.renderPage({ ...site, ...files }, page)
    const status = page.kind === 'retired' ? 410 : 200
    return { text, type: 'text/html; charset=utf-8', status }
  }

  const notFound = (site: Site): Rendered => ({
    text: web.renderer.renderPage({ ...site, path: '' }, { kind: 'not-found' }),
    type: 'text/html; charset=utf-8',
    status: 404,
  })

  const answer = async (
    request: FastifyRequest,
    path: string,
    query: string,
  ): Promise<CachedPage> => {
    const view = await deps.directory()
    const source: PageSource = { config, view, numbers: deps.numbers(), highlighter }
    const site = siteOf(request, path)
    const variant = [site.theme, site.signedIn ?? '', view.revision].join(' ')
    const missing = () => cache.get(`not found ${variant}`, async () => notFound(site))
    if (query === '' && isKnownPath(path, view))
      return await cache.get(
        `${path} ${variant}`,
        async () => (await render(path, query, site, source)) ?? notFound(site),
      )
    // What a stranger can make up without end is not kept.
    const rendered = await render(path, query, site, source)
    return rendered === undefined ? await missing() : await packed(rendered)
  }

  return (server) => {
    server.get(
      '/llms.txt',
      { config: { access: 'public' }, schema: { hide: true } },
      async (_request, reply) => {
        secure(reply, config.portal.url)
        reply.header('cache-control', 'public, max-age=60')
        return reply
          .type('text/plain; charset=utf-8')
          .send(llmsText(config, (await deps.directory()).listings))
      },
    )
    server.get(
      '/search.json',
      { config: { access: 'public' }, schema: { hide: true } },
      async (request, reply) => {
        const view = await deps.directory()
        const page = await cache.get(`search ${view.revision}`, async () => ({
          text: JSON.stringify(searchEntries(view)),
          type: 'application/json; charset=utf-8',
          status: 200,
        }))
        return send(request, secure(reply, config.portal.url), page)
      },
    )
    server.get(
      '/*',
      { config: { access: 'public' }, schema: { hide: true, querystring: Query } },
      async (request, reply) => {
        const path = decoded(request.url.split('?', 1)[0] ?? '/')
        if (path === undefined || !wantsPage(request, path)) return reply.callNotFound()
        secure(reply, config.portal.url)
        if (path !== '/' && path.endsWith('/'))
          return reply.redirect(encodeURI(`/${path.replace(/^\/+|\/+$/g, '')}`), 301)
        const page = await answer(request, path, request.query.q?.trim() ?? '')
        return send(request, reply, page)
      },
    )
  }
}

/** The addresses that are kept: as many as there are pages, whatever is asked for. */
function isKnownPath(path: string, view: CatalogView): boolean {
  if (staticPaths.has(path)) return true
  const [, first, second = '', third, fourth, ...more] = path.replace(/\.md$/, '').split('/')
  if (more.length > 0) return false
  if (first === 'errors') return third === undefined && Object.hasOwn(errorCodes, second)
  const api = first === 'apis' && view.apis.find((a) => a.id === `${second}/${third}`)
  if (api === undefined || api === false) return false
  return fourth === undefined || api.operations.some((o) => o.operationId === fourth)
}

/** What an API client asks for under the API's own prefix gets the API's own answer, not a page. */
function wantsPage(request: FastifyRequest, path: string): boolean {
  if (/^\/(management|internal|assets|\.well-known)(\/|$)/.test(path)) return false
  return (
    path.endsWith('.md') || (request.headers.accept ?? '*/*').match(/text\/html|\*\/\*/) !== null
  )
}

function decoded(path: string): string | undefined {
  try {
    const text = decodeURIComponent(path)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    return /[\x00-\x1f\x7f\\]/.test(text) || text.startsWith('//') ? undefined : text
  } catch {
    return undefined
  }
}

const islandOf = (page: Page): string[] => {
  switch (page.kind) {
    case 'home':
    case 'operation':
      return ['web/portal/islands/try-it.tsx']
    case 'form':
      return [`web/portal/islands/${page.form === 'sign-in' ? 'sign-in' : 'account-form'}.tsx`]
    default:
      return []
  }
}

const themeOf = (cookie: string | undefined): Theme =>
  (/(?:^|;\s*)wl_theme=(light|dark)(?:;|$)/.exec(cookie ?? '')?.[1] as Theme | undefined) ??
  'system'

function send(request: FastifyRequest, reply: FastifyReply, page: CachedPage): FastifyReply {
  reply.code(page.status).header('vary', 'accept-encoding, cookie')
  reply.header('cache-control', page.status === 200 ? 'private, no-cache' : 'no-store')
  if (page.status === 200) {
    reply.header('etag', page.etag)
    const seen = request.headers['if-none-match']
    if (seen?.split(',').some((tag) => tag.trim() === page.etag) === true)
      return reply.code(304).send()
  }
  reply.type(page.type)
  const encoding = acceptedEncoding(request.headers['accept-encoding'])
  if (encoding === undefined) return reply.send(page.raw)
  return reply.header('content-encoding', encoding).send(page[encoding])
}
