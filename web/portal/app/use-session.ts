import { useRouteLoaderData } from 'react-router'
import type { Session } from '#identity/schema'

/** The session that the frame loaded. */
export function useSession(): Session & { partnerId: string } {
  const session = useRouteLoaderData<Session>('app')
  if (session?.partnerId === undefined) throw new Error('there is no session of a partner')
  return { ...session, partnerId: session.partnerId }
}
