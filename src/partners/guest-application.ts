import { isUniqueViolation } from '#platform/database'
import type { Platform } from '#platform/module'
import { createApplication } from './create-application.ts'
import { findGuestPartner, insertPartner, listApplications } from './store.ts'
import type { PartnerTables } from './tables.ts'

/** The application that visitors of the portal call the sandbox with before they sign up; made when it is missing. */
export async function ensureGuestApplication(
  platform: Platform,
): Promise<{ id: string; clientId: string }> {
  const db = platform.database.as<PartnerTables>()
  const existing = await findGuestPartner(db)
  if (existing !== undefined) {
    const application = (await listApplications(db, existing.id))[0]
    if (application !== undefined) return { id: application.id, clientId: application.clientId }
  }
  const { newId, clock, outbox } = platform
  try {
    return await db.transaction().execute(async (trx) => {
      const partnerId = existing?.id ?? newId('partner')
      if (existing === undefined) {
        await insertPartner(trx, {
          id: partnerId,
          name: 'Visitors',
          kind: 'guest',
          createdAt: clock.now(),
        })
        await outbox.emit(trx, {
          type: 'partner.registered',
          key: partnerId,
          payload: { partnerId },
        })
      }
      const { id, clientId } = await createApplication(platform, trx, {
        partnerId,
        name: 'Portal visitors',
        environment: 'sandbox',
        actor: { kind: 'system', id: 'portal' },
      })
      return { id, clientId }
    })
  } catch (error) {
    // Another process made it at the same moment.
    if (isUniqueViolation(error)) return await ensureGuestApplication(platform)
    throw error
  }
}
