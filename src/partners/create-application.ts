import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import type { Environment } from '#platform/config'
import { randomText } from '#platform/ids'
import type { Platform } from '#platform/module'
import { clientIdPrefix, newClientSecret, secretHint } from './credential-secret.ts'
import { secretHash } from './secret-hash.ts'
import { insertApplication, insertCredential } from './store.ts'
import type { PartnerTables } from './tables.ts'

export type CreatedApplication = {
  id: string
  environment: Environment
  clientId: string
  credentialId: string
  /** shown once; only its keyed hash is stored */
  clientSecret: string
}

/** Makes an application with its first secret, in the caller's transaction. */
export async function createApplication(
  platform: Platform,
  trx: Transaction<PartnerTables>,
  input: { partnerId: string; name: string; environment: Environment; actor: Actor },
): Promise<CreatedApplication & { rootId: string }> {
  const { newId, clock, outbox, sealing } = platform
  const id = newId('application')
  const clientId = `${clientIdPrefix(input.environment)}${randomText(20)}`
  const createdAt = clock.now()
  await insertApplication(trx, { ...input, id, clientId, createdAt })
  const clientSecret = newClientSecret(input.environment)
  const credentialId = newId('credential')
  await insertCredential(trx, id, {
    id: credentialId,
    type: 'client_secret',
    hint: secretHint(clientSecret),
    secretHash: secretHash(sealing, clientSecret),
    jwk: null,
    thumbprint: null,
    subjectAlternativeName: null,
    notAfter: null,
    createdAt,
  })
  await recordAction(outbox, trx, {
    actor: input.actor,
    action: 'application.created',
    target: id,
    partnerId: input.partnerId,
    detail: { environment: input.environment, credentialId },
  })
  const rootId = await outbox.emit(trx, {
    type: 'application.changed',
    key: id,
    payload: { applicationId: id, partnerId: input.partnerId, environment: input.environment },
  })
  return { id, environment: input.environment, clientId, credentialId, clientSecret, rootId }
}
