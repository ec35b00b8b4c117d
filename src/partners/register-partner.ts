import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import type { Identity, NewRegistration } from '#identity'
import type { Platform } from '#platform/module'
import { createApplication } from './create-application.ts'
import { insertPartner } from './store.ts'
import type { PartnerTables } from './tables.ts'

export type RegisteredPartner = {
  partnerId: string
  memberId: string
  application: { id: string; clientId: string; clientSecret: string }
}

/** How long an answer waits for the contract and the gateways to know of the new application. */
const settleMs = 700

/**
 * A partner signs up: organisation, owner, sandbox application and secret in one transaction. The reactions (sandbox
 * contract, snapshot) are awaited shortly, so that the first call works at once; if they are late, they still come.
 */
export async function registerPartner(
  platform: Platform,
  identity: Identity,
  input: NewRegistration,
): Promise<RegisteredPartner> {
  const { newId, clock, outbox } = platform
  const partnerId = newId('partner')
  const memberId = newId('member')
  const actor: Actor = {
    kind: 'partner',
    id: memberId,
    name: input.name,
    partnerId,
    role: 'owner',
    via: 'session',
  }
  const passwordHash = await identity.hashPassword(input)
  const db = platform.database.as<PartnerTables>()
  const { roots, application } = await db.transaction().execute(async (trx) => {
    await insertPartner(trx, {
      id: partnerId,
      name: input.organisation,
      kind: 'organisation',
      createdAt: clock.now(),
    })
    await identity.createMember(trx as unknown as Transaction<unknown>, {
      memberId,
      partnerId,
      name: input.name,
      email: input.email,
      passwordHash,
      role: 'owner',
    })
    await recordAction(outbox, trx, { actor, action: 'partner.registered', target: partnerId })
    const registered = await outbox.emit(trx, {
      type: 'partner.registered',
      key: partnerId,
      payload: { partnerId },
    })
    const created = await createApplication(platform, trx, {
      partnerId,
      name: 'My first application',
      environment: 'sandbox',
      actor,
    })
    return { roots: [registered, created.rootId], application: created }
  })
  await outbox.settled(roots, settleMs)
  return { partnerId, memberId, application }
}
