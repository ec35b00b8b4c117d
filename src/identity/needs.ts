import type { Kysely } from 'kysely'
import type { Mail } from '#platform/mail'
import type { Platform } from '#platform/module'
import type { DeviceCookie } from './device-cookie.ts'
import type { Limiter } from './limits.ts'
import type { SsoProtocol } from './sso-protocol.ts'
import type { IdentityTables } from './tables.ts'

/** What each use case works with. */
export type Identifying = Pick<
  Platform,
  'config' | 'outbox' | 'sealing' | 'newId' | 'clock' | 'log'
> & {
  db: Kysely<IdentityTables>
  limiter: Limiter
  device: DeviceCookie
  mail: Mail
  sso: SsoProtocol
  /** TXT records of a name in the DNS */
  resolveTxt: (name: string) => Promise<readonly (readonly string[])[]>
  /** whether the operator has suspended a partner */
  isSuspended: (partnerId: string) => Promise<boolean>
}
