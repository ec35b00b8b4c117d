import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import type { Environment } from '#platform/config'
import { lockFor } from '#platform/database'
import { randomText } from '#platform/ids'
import type { Platform } from '#platform/module'
import { clientIdPrefix, newClientSecret, secretHint } from './credential-secret.ts'
import { secretHash } from './secret-hash.ts'
import { countApplications, insertApplication, insertCredential } from './store.ts'
import type { PartnerTables } from './tables.ts'

export type CreatedApplication = {
  id: string
  environment: Environment
  clientId: string
  credentialId: string
  /** shown once; only its keyed hash is stored */
  clientSecret: string
}

/**
 * Makes an application with its first secret, in the caller's transaction.
 * @throws AppError INCOMPATIBLE_STATE when the partner has as many as a partner may have
 */
export async function createApplication(
  platform: Platform,
  trx: Transaction<PartnerTables>,
  input: { partnerId: string; name: string; environment: Environment; actor: Actor },
): Promise<CreatedApplication & { rootId: string }> {
  const { newId, clock, outbox, sealing } = platform
  await requireRoom(trx, input.partnerId, platform.config.applicationsPerPartner)
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

/** One at a time for each partner, so that many requests at once do not pass the limit together. */
async function requireRoom(
  trx: Transaction<PartnerTables>,
  partnerId: string,
  most: number,
): Promise<void> {
  await lockFor(trx, `partners.applications:${partnerId}`)
  const count = await countApplications(trx, partnerId)
  if (count >= most) {
    throw new AppError(
      'INCOMPATIBLE_STATE',
      `A partner may have ${most} applications, and there are ${count}. Delete one that is not used any more, or ask the operator for more.`,
    )
  }
}
