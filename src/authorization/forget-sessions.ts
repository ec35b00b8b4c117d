import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { ServerOptions } from './server-options.ts'

/**
 * The network says anew at each request who is there, so nothing of a sign-in is kept: a session lives for one request,
 * or, while a question waits for its answer, inside that question. Nothing of it is written and no cookie names one.
 */
export function forgetSessions(provider: Provider, { newId }: ServerOptions): void {
  const { Session, OIDCContext, Interaction, Grant } = provider
  // Gateways are told which grants have ended, so their ids have the form of ours.
  Reflect.set(Grant.prototype, 'generateTokenId', () => newId('grant'))
  Session.get = async (given) => {
    const ctx = given as unknown as KoaContextWithOIDC
    const session = new Session()
    if (ctx.oidc.route === 'resume') {
      const id = ctx.cookies.get(provider.cookieName('resume'))
      const waiting = id === undefined ? undefined : await Interaction.find(id)
      if (waiting?.session !== undefined) {
        const { accountId, uid, amr } = waiting.session
        session.uid = uid
        session.loginAccount({ accountId, amr, loginTs: waiting.iat })
      }
    }
    ctx.oidc.entity('Session', session)
    return session
  }
  // What these would write down about a client is forgotten, so that the session is never one to be saved.
  Session.prototype.authorizationFor = () => ({})
  Session.prototype.grantIdFor = (() =>
    provider.OIDCContext === OIDCContext
      ? currentGrant(provider)
      : undefined) as typeof Session.prototype.grantIdFor
  Object.defineProperty(OIDCContext.prototype, 'prompts', {
    get(this: { params?: { prompt?: unknown } }) {
      const prompt = this.params?.prompt
      return new Prompts(typeof prompt === 'string' ? prompt.split(' ') : [])
    },
  })
}

const currentGrant = (provider: Provider): string | undefined =>
  (provider.constructor as typeof Provider).ctx?.oidc.entities.Grant?.jti

/**
 * oidc-provider drops offline_access unless prompt=consent is sent. Consent is asked for here whenever it is needed and
 * at no other time, so whoever asks for a refresh token need not say so.
 */
class Prompts extends Set<string> {
  override has(prompt: string): boolean {
    return prompt === 'consent' || super.has(prompt)
  }
}
