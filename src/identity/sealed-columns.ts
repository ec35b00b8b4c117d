import type { SealedColumn } from '#platform/keys/reseal'
import { totpContext } from './totp-store.ts'

/** What this module keeps sealed for longer than a few weeks. @public */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'identity.totp',
    column: 'sealed_secret',
    key: ['person_id'],
    context: (key) => totpContext(key.person_id ?? ''),
  },
]
