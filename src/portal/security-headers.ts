import type { FastifyReply } from 'fastify'

const common = [
  "default-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
]

/**
 * Nothing inline, nothing from elsewhere. The signed-in pages add one nonce for the style elements that their component
 * library makes; no page needs `unsafe-inline`, because all style attributes are set by script through the CSSOM.
 * @param nonce of the style elements of this very answer
 */
export function contentSecurityPolicy(nonce?: string): string {
  const style = nonce === undefined ? "style-src 'self'" : `style-src 'self' 'nonce-${nonce}'`
  return [...common, style].join('; ')
}

export function secure(reply: FastifyReply, portalUrl: string, nonce?: string): FastifyReply {
  reply.headers({
    'content-security-policy': contentSecurityPolicy(nonce),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  })
  if (portalUrl.startsWith('https:'))
    reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains')
  return reply
}
