import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { EntryFiles, Web } from './load-web.ts'
import { secure } from './security-headers.ts'

/** Console pages that are for people who have no session yet. */
const openConsolePaths = new Set([
  '/console/sign-in',
  '/console/welcome',
  '/console/accept-invitation',
])

/**
 * The signed-in pages: an empty document that a script fills from the management API. It holds nothing private, so
 * sending a stranger to the sign-in page is a courtesy and no protection.
 */
export function shellRoutes(
  { config }: Platform,
  web: Web,
  firstCall: () => Promise<object | undefined>,
): Routes {
  const shell = async (
    request: FastifyRequest,
    reply: FastifyReply,
    entry: string,
    title: string,
    extra: object,
  ): Promise<FastifyReply> => {
    const nonce = randomBytes(16).toString('base64')
    secure(reply, config.portal.url, nonce).headers({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
    })
    const context = {
      nonce,
      operatorName: config.operatorName,
      version: config.version,
      currency: config.currency,
      portal: config.portal.url,
      environments: {
        sandbox: addresses('sandbox'),
        production: addresses('production'),
      },
      ...extra,
    }
    const theme = /(?:^|;\s*)wl_theme=(light|dark)(?:;|$)/.exec(request.headers.cookie ?? '')?.[1]
    return reply
      .type('text/html; charset=utf-8')
      .send(documentOf(web.entry(entry), `${title} · ${config.operatorName}`, theme, context))
  }
  const addresses = (name: 'sandbox' | 'production') => ({
    gateway: config.gateways[name].url,
    gatewayTls: config.gateways[name].tlsUrl,
    issuer: `${config.authorization.url}/${name}`,
    ...(config.authorization.tls && { issuerTls: `${config.authorization.tls.url}/${name}` }),
    tokenUrl: `${config.authorization.url}/${name}/token`,
  })
  const hidden = { config: { access: 'public' as const }, schema: { hide: true } }

  const app = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (request.actor.kind === 'partner') {
      const extra = { firstCall: await firstCall() }
      return await shell(request, reply, 'web/portal/app/main.tsx', 'Your applications', extra)
    }
    if (request.actor.kind === 'operator') return reply.redirect('/console', 302)
    return secure(reply, config.portal.url)
      .header('cache-control', 'no-store')
      .redirect(`/sign-in?return=${encodeURIComponent(request.url)}`, 302)
  }
  const console_ = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const path = request.url.split('?', 1)[0] ?? ''
    if (request.actor.kind === 'operator' || openConsolePaths.has(path))
      return await shell(request, reply, 'web/console/main.tsx', 'Console', {})
    return secure(reply, config.portal.url)
      .header('cache-control', 'no-store')
      .redirect('/console/sign-in', 302)
  }

  return (server) => {
    server.get('/app', hidden, app)
    server.get('/app/*', hidden, app)
    server.get('/console', hidden, console_)
    server.get('/console/*', hidden, console_)
  }
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

function documentOf(
  files: EntryFiles,
  title: string,
  theme: string | undefined,
  context: object,
): string {
  const head = [
    ...files.styles.map((href) => `<link rel="stylesheet" href="${href}">`),
    ...files.fonts.map(
      (href) =>
        `<link rel="preload" as="font" type="font/woff2" href="${href}" crossorigin="anonymous">`,
    ),
    ...files.preloads.map((href) => `<link rel="modulepreload" href="${href}">`),
    ...files.scripts.map((src) => `<script type="module" src="${src}"></script>`),
  ]
  const data = JSON.stringify(context).replaceAll('<', '\\u003c')
  return `<!doctype html>
<html lang="en"${theme === undefined ? '' : ` data-theme="${theme}"`}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(title)}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
${head.join('\n')}
</head>
<body>
<div id="root"></div>
<noscript>This part of the portal needs script. The reference does not: <a href="/apis">APIs</a>.</noscript>
<script type="application/json" id="wayleave-context">${data}</script>
</body>
</html>
`
}
