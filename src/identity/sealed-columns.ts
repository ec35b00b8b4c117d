import type { SealedColumn } from '#platform/keys/reseal'
import { providerContext } from './identity-provider.ts'
import { totpContext } from './totp-store.ts'

/** What this module keeps sealed for longer than a few weeks. @public */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'identity.totp',
    column: 'sealed_secret',
    key: ['person_id'],
    context: (key) => totpContext(key.person_id ?? ''),
  },
  {
    table: 'identity.provider',
    column: 'sealed_secret',
    key: ['partner_id'],
    context: (key) => providerContext(key.partner_id ?? ''),
  },
]
