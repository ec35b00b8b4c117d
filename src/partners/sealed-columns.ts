import type { SealedColumn } from '#platform/keys/reseal'
import { explorerKeyContext } from './explorer-key.ts'

/** What this module keeps sealed for longer than a few weeks. @public */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'partners.explorer_key',
    column: 'sealed_private_jwk',
    key: ['only_one', 'kid'],
    context: ({ kid = '' }) => explorerKeyContext(kid),
  },
]
