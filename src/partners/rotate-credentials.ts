import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import { acceptClientCertificate } from './client-certificate.ts'
import { newApiKey, newClientSecret, secretHint } from './credential-secret.ts'
import { acceptPublicKey } from './public-key.ts'
import type { NewCredential } from './schema.ts'
import { apiKeyHash, secretHash } from './secret-hash.ts'
import {
  type ApplicationRecord,
  type CredentialRecord,
  deleteCredential,
  hasCertificateElsewhere,
  insertCredential,
  listCredentials,
  lockApplication,
} from './store.ts'
import type { PartnerTables } from './tables.ts'

/** Two secrets live side by side while a partner moves from one to the other; keys for two parties more. */
const mostAlive = { client_secret: 2, public_key: 4, api_key: 2, client_certificate: 4 } as const
const settleMs = 700

/** What is shown once: it is stored nowhere. */
type Shown = { clientSecret?: string; apiKey?: string }

/**
 * Adds a credential beside those that live.
 * @throws AppError INVALID_ARGUMENT with every fault of a key or certificate
 * @throws AppError INCOMPATIBLE_STATE when as many as may live side by side do
 */
export async function addCredential(
  platform: Platform,
  application: ApplicationRecord,
  input: NewCredential,
  actor: Actor,
): Promise<{ credential: CredentialRecord; shown: Shown }> {
  const { newId, clock } = platform
  const { parts, shown } = await makeParts(platform, application, input)
  const credential: CredentialRecord = {
    id: newId('credential'),
    type: input.type,
    secretHash: null,
    jwk: null,
    thumbprint: null,
    subjectAlternativeName: null,
    notAfter: null,
    createdAt: clock.now(),
    ...parts,
  }
  await changeCredentials(
    platform,
    application,
    actor,
    'credential.created',
    credential,
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
      refuseTwice(credential, alive)
      await refuseElsewhere(trx, application, credential)
      await insertCredential(trx, application.id, credential)
    },
  )
  return { credential, shown }
}

type Parts = Pick<CredentialRecord, 'hint'> & Partial<CredentialRecord>

async function makeParts(
  { sealing, clock }: Platform,
  { environment }: ApplicationRecord,
  input: NewCredential,
): Promise<{ parts: Parts; shown: Shown }> {
  switch (input.type) {
    case 'client_secret': {
      const clientSecret = newClientSecret(environment)
      const parts = {
        hint: secretHint(clientSecret),
        secretHash: secretHash(sealing, clientSecret),
      }
      return { parts, shown: { clientSecret } }
    }
    case 'api_key': {
      const apiKey = newApiKey(environment)
      const parts = {
        hint: secretHint(apiKey),
        secretHash: apiKeyHash(sealing, environment, apiKey),
      }
      return { parts, shown: { apiKey } }
    }
    case 'public_key': {
      const jwk = await acceptPublicKey(input.jwk)
      return { parts: { hint: jwk.kid, jwk }, shown: {} }
    }
    case 'client_certificate':
      return { parts: acceptClientCertificate(input, clock.now()), shown: {} }
  }
}

/** One credential twice would be there still when it was deleted. */
function refuseTwice(credential: CredentialRecord, alive: readonly CredentialRecord[]): void {
  if (credential.type === 'public_key' && alive.some((c) => c.hint === credential.hint))
    throw new AppError('ALREADY_EXISTS', 'This application has a key with this kid.')
  if (credential.type !== 'client_certificate') return
  const same = alive.some(
    (c) =>
      c.thumbprint === credential.thumbprint &&
      c.subjectAlternativeName === credential.subjectAlternativeName,
  )
  if (same) throw new AppError('ALREADY_EXISTS', 'This application has this certificate already.')
}

/** What proves who calls the sandbox must prove nothing in production. */
async function refuseElsewhere(
  trx: Transaction<PartnerTables>,
  application: ApplicationRecord,
  { thumbprint }: CredentialRecord,
): Promise<void> {
  if (thumbprint === null) return
  await lockFor(trx, `partners.certificate:${thumbprint}`)
  if (!(await hasCertificateElsewhere(trx, application, thumbprint))) return
  throw new AppError(
    'ALREADY_EXISTS',
    'An application of your other environment has this certificate. Use a key of its own for each environment.',
  )
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
    { id: credentialId },
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
  credential: Pick<CredentialRecord, 'id'> & Partial<Pick<CredentialRecord, 'type'>>,
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
        target: credential.id,
        partnerId: application.partnerId,
        detail: {
          applicationId: application.id,
          ...(credential.type && { type: credential.type }),
        },
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
