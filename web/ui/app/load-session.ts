import type { Session } from '#identity/schema'
import { ManagementError, manage } from '../management.ts'

/**
 * Who is signed in. Somebody who is not, or not as this kind of person, is sent on; the promise then never ends, because
 * the page is on its way out.
 * @param security where somebody adds the second factor that is asked for before anything else
 */
export async function loadSession(
  kind: Session['kind'],
  signIn: string,
  security?: string,
): Promise<Session> {
  try {
    const session = await manage<Session>('GET', '/session')
    const owes = session.secondFactor === 'required' && location.pathname !== security
    if (session.kind === kind && !(owes && security !== undefined)) return session
    if (session.kind === kind && security !== undefined) location.replace(security)
    else location.replace(session.kind === 'operator' ? '/console' : '/app')
  } catch (error) {
    if (!(error instanceof ManagementError) || error.fault.status !== 401) throw error
    location.replace(signIn)
  }
  return await Promise.withResolvers<Session>().promise
}
