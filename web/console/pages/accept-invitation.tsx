import type { ReactNode } from 'react'
import { NewStaffForm } from '../new-staff-form.tsx'

/** Whoever was invited to the staff, by the link in the mail. */
export function AcceptInvitationPage(): ReactNode {
  return (
    <NewStaffForm
      title="Join the staff"
      lead="You were invited by mail. Choose how your colleagues see you, and a password."
      path="/invitations/accept"
      fields={['name', 'password']}
    />
  )
}
