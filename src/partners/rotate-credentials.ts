import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import type { Platform } from '#platform/module'
import { secretHint } from './create-application.ts'
import { newClientSecret } from './credential-secret.ts'
import { acceptPublicKey } from './public-key.ts'
import type { NewCredential } from './schema.ts'
import { secretHash } from './secret-hash.ts'
import {
  type ApplicationRecord,
  type CredentialRecord,
  deleteCredential,
  insertCredential,
  listCredentials,
  lockApplication,
} from './store.ts'
import type { PartnerTables } from './tables.ts'

/** Two secrets live side by side while a partner moves from one to the other; keys for two parties more. */
const mostAlive = { client_secret: 2, public_key: 4 } as const
const settleMs = 700

/**
 * Adds a credential beside those that live.
 * @throws AppError INCOMPATIBLE_STATE when as many as may live side by side do
 */
export async function addCredential(
  platform: Platform,
  application: ApplicationRecord,
  input: NewCredential,
  actor: Actor,
): Promise<{ credential: CredentialRecord; clientSecret: string | undefined }> {
  const { newId, clock, sealing } = platform
  const jwk = input.type === 'public_key' ? await acceptPublicKey(input.jwk) : null
  const clientSecret =
    input.type === 'client_secret' ? newClientSecret(application.environment) : undefined
  const credential: CredentialRecord = {
    id: newId('credential'),
    type: input.type,
    hint: clientSecret === undefined ? (jwk?.kid ?? '') : secretHint(clientSecret),
    secretHash: clientSecret === undefined ? null : secretHash(sealing, clientSecret),
    jwk,
    createdAt: clock.now(),
  }
  await changeCredentials(
    platform,
    application,
    actor,
    'credential.created',
    credential.id,
    async (trx) => {
      const alive = (await listCredentials(trx, application.id)).filter(
        (c) => c.type === input.type,
      )
      if (alive.length >= mostAlive[input.type]) {
        throw new AppError(
          'INCOMPATIBLE_STATE',
          `${alive.length} credentials of this type are alive. Delete the one that is not used any more first.`,
        )
      }
      if (jwk !== null && alive.some((c) => c.hint === jwk.kid)) {
        throw new AppError('ALREADY_EXISTS', 'This application has a key with this kid.')
      }
      await insertCredential(trx, application.id, credential)
    },
  )
  return { credential, clientSecret }
}

/** Ends a credential; tokens that were issued with it are refused by every gateway within a second. */
export async function removeCredential(
  platform: Platform,
  application: ApplicationRecord,
  credentialId: string,
  actor: Actor,
): Promise<void> {
  await changeCredentials(
    platform,
    application,
    actor,
    'credential.deleted',
    credentialId,
    async (trx) => {
      if (!(await deleteCredential(trx, application.id, credentialId))) throw noSuchCredential()
    },
  )
}

async function changeCredentials(
  platform: Platform,
  application: ApplicationRecord,
  actor: Actor,
  action: string,
  credentialId: string,
  change: (trx: Parameters<typeof lockApplication>[0]) => Promise<void>,
): Promise<void> {
  const { database, outbox } = platform
  const root = await database
    .as<PartnerTables>()
    .transaction()
    .execute(async (trx) => {
      if (!(await lockApplication(trx, application.id))) throw noSuchApplication()
      await change(trx)
      await recordAction(outbox, trx, {
        actor,
        action,
        target: credentialId,
        partnerId: application.partnerId,
        detail: { applicationId: application.id },
      })
      return await outbox.emit(trx, {
        type: 'application.changed',
        key: application.id,
        payload: {
          applicationId: application.id,
          partnerId: application.partnerId,
          environment: application.environment,
        },
      })
    })
  await outbox.settled([root], settleMs)
}

export const noSuchApplication = (): AppError =>
  new AppError('NOT_FOUND', 'There is no such application.')
const noSuchCredential = (): AppError => new AppError('NOT_FOUND', 'There is no such credential.')
