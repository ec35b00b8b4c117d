import { Type } from 'typebox'
import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { Web } from './load-web.ts'
import { acceptedEncoding } from './page-cache.ts'
import { Discovery } from './schema.ts'
import { secure } from './security-headers.ts'

const favicon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#2450c4"/><path d="M7 10.5 11.5 22 16 12.5 20.5 22 25 10.5" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`

/** What belongs to the address as a whole: where everything is, what robots may read, the files of the pages. */
export function siteRoutes({ config }: Platform, web: Web | undefined): Routes {
  const environment = (name: 'sandbox' | 'production') => ({
    gateway: config.gateways[name].url,
    gatewayTls: config.gateways[name].tlsUrl,
    issuer: `${config.authorization.url}/${name}`,
    ...(config.authorization.tls && { issuerTls: `${config.authorization.tls.url}/${name}` }),
  })
  const discovery: Discovery = {
    name: 'wayleave',
    version: config.version,
    portal: config.portal.url,
    console: `${config.portal.url}/console`,
    management: `${config.portal.url}/management/v1`,
    environments: { sandbox: environment('sandbox'), production: environment('production') },
  }
  return (server) => {
    server.get(
      '/.well-known/wayleave',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'getAddresses',
          summary: 'Where everything is',
          tags: ['Portal'],
          response: { 200: Discovery },
        },
      },
      async (_request, reply) => {
        reply.headers({ 'cache-control': 'public, max-age=60', 'access-control-allow-origin': '*' })
        return discovery
      },
    )
    server.get(
      '/robots.txt',
      { config: { access: 'public' }, schema: { hide: true } },
      async (_request, reply) =>
        secure(reply, config.portal.url)
          .type('text/plain; charset=utf-8')
          .send('User-agent: *\nDisallow: /app\nDisallow: /console\nDisallow: /management/\n'),
    )
    server.get(
      '/favicon.svg',
      { config: { access: 'public' }, schema: { hide: true } },
      async (_request, reply) =>
        secure(reply, config.portal.url)
          .header('cache-control', 'public, max-age=86400')
          .type('image/svg+xml')
          .send(favicon),
    )
    server.get(
      '/assets/:file',
      {
        config: { access: 'public' },
        schema: { hide: true, params: Type.Object({ file: Type.String({ maxLength: 200 }) }) },
      },
      async (request, reply) => {
        const asset = web?.assets.get(request.params.file)
        if (asset === undefined) throw new AppError('NOT_FOUND', 'There is no such file.')
        secure(reply, config.portal.url).headers({
          'cache-control': 'public, max-age=31536000, immutable',
          vary: 'accept-encoding',
        })
        reply.type(asset.type)
        const encoding = acceptedEncoding(request.headers['accept-encoding'])
        const packed = encoding === undefined ? undefined : asset[encoding]
        if (encoding === undefined || packed === undefined) return reply.send(asset.raw)
        return reply.header('content-encoding', encoding).send(packed)
      },
    )
  }
}
