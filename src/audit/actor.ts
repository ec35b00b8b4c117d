/**
 * How a caller proved who it is: a browser session or an API token.
 * @public
 */
export type Via = 'session' | 'token'

/**
 * Who does something. It lives here because this module is the lowest that names it; `identity` finds it out for each
 * request and is where others import it from.
 * @public
 */
export type Actor =
  | { kind: 'anonymous' }
  | {
      kind: 'partner'
      id: string
      name: string
      partnerId: string
      role: 'owner' | 'developer' | 'finance' | 'viewer'
      via: Via
      /** permissions that an API token is limited to, within those of the role */
      scopes?: readonly string[]
    }
  | {
      kind: 'operator'
      id: string
      name: string
      role: 'administrator' | 'engineer' | 'product' | 'partner-success' | 'auditor'
      via: Via
      scopes?: readonly string[]
    }
  | { kind: 'system'; id: string }

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of `identity` before any handler runs. */
    actor: Actor
  }
}
