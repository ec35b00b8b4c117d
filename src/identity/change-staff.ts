import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { lockFor } from '#platform/database'
import { deleteLinks } from './link-store.ts'
import type { Identifying } from './needs.ts'
import type { OperatorRole } from './schema.ts'
import { staleSessionsOf } from './session-store.ts'
import {
  deleteStaff,
  deleteStaffInvitation,
  findStaff,
  hasOtherAdministrator,
  type StaffRecord,
  setStaffRole,
} from './staff-store.ts'
import type { IdentityTables } from './tables.ts'

type Trx = Transaction<IdentityTables>
type Change = { operatorId: string; actor: Actor }

export const noSuchOperator = (): AppError =>
  new AppError('NOT_FOUND', 'There is no such operator.')

/** One change of the staff at a time: two administrators must not remove each other at once. */
export const lockStaff = (trx: Trx): Promise<void> => lockFor(trx, 'identity.staff')

/** @throws AppError NOT_FOUND; INCOMPATIBLE_STATE for the last administrator */
export function changeStaffRole(
  identifying: Identifying,
  { operatorId, actor }: Change,
  role: OperatorRole,
): Promise<StaffRecord> {
  return identifying.db.transaction().execute(async (trx) => {
    const operator = await requireStaff(trx, operatorId)
    if (role !== 'administrator') await refuseLastAdministrator(trx, operator)
    await setStaffRole(trx, operator, role)
    if (role !== operator.role) await staleSessionsOf(trx, operator.id)
    await recordAction(identifying.outbox, trx, {
      actor,
      action: 'staff.role-changed',
      target: operator.id,
      detail: { from: operator.role, to: role },
    })
    return { ...operator, role }
  })
}

/**
 * Removes one of the staff with its sessions and API tokens, or withdraws an invitation.
 * @throws AppError NOT_FOUND; INCOMPATIBLE_STATE for the last administrator
 */
export async function removeStaff(
  identifying: Identifying,
  { operatorId, actor }: Change,
): Promise<void> {
  await identifying.db.transaction().execute(async (trx) => {
    const operator = await requireStaff(trx, operatorId)
    await refuseLastAdministrator(trx, operator)
    const { id, state } = operator
    if (state === 'active') {
      // First, as whoever uses one does: two that met halfway would both fail.
      await deleteLinks(trx, 'recovery', id)
      await deleteLinks(trx, 'email-verification', id)
      await deleteStaff(trx, id)
    } else {
      await deleteStaffInvitation(trx, id)
      await deleteLinks(trx, 'staff-invitation', id)
    }
    await recordAction(identifying.outbox, trx, {
      actor,
      action: state === 'active' ? 'staff.removed' : 'staff.invitation-withdrawn',
      target: id,
    })
  })
}

async function requireStaff(trx: Trx, id: string): Promise<StaffRecord> {
  await lockStaff(trx)
  const operator = await findStaff(trx, id)
  if (operator === undefined) throw noSuchOperator()
  return operator
}

async function refuseLastAdministrator(trx: Trx, { id, role, state }: StaffRecord): Promise<void> {
  if (state !== 'active' || role !== 'administrator') return
  if (await hasOtherAdministrator(trx, id)) return
  throw new AppError(
    'INCOMPATIBLE_STATE',
    'This is the last administrator: make a colleague an administrator first.',
  )
}
