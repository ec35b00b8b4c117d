import type { Environment } from '#platform/config'
import type { SealedColumn } from '#platform/keys/reseal'
import { artifactContext } from './artifacts.ts'
import { sealContext } from './signing-key.ts'

/** What this module keeps sealed for longer than a few weeks. @public */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'authorization.artifact',
    column: 'payload',
    key: ['environment', 'model', 'id'],
    context: ({ environment, model = '', id = '' }) =>
      artifactContext({ environment: environment as Environment, model, id }),
  },
  {
    table: 'authorization.signing_key',
    column: 'sealed_private_jwk',
    key: ['environment', 'kid'],
    context: ({ environment, kid = '' }) => sealContext(environment as Environment, kid),
  },
]
