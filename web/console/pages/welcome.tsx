import type { ReactNode } from 'react'
import { NewStaffForm } from '../new-staff-form.tsx'

/** The first operator, by the one-time link that the start printed. */
export function WelcomePage(): ReactNode {
  return (
    <NewStaffForm
      title="Become the first operator"
      lead="This link works once. Whoever uses it administers this installation and invites the others."
      path="/operators/first"
      fields={['name', 'email', 'password']}
    />
  )
}
