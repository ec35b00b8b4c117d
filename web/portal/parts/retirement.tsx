import type { ReactNode } from 'react'
import type { ApiHead } from '#portal/schema'
import { retirementOf } from '../view-models/retirement.ts'

/** What a version that comes to its end says before anything else. */
export function Retirement({ api }: { api: ApiHead }): ReactNode {
  const view = retirementOf(api)
  if (view === undefined) return null
  const { tone, title, text, successor } = view
  return (
    <aside className={`banner banner-${tone}`} aria-labelledby="retirement">
      <p id="retirement" className="banner-title">
        {title}
      </p>
      <p>{text}</p>
      {successor !== undefined && (
        <p>
          Move to <a href={successor.href}>{successor.id}</a>.
        </p>
      )}
    </aside>
  )
}
