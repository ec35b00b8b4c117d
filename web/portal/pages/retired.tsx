import type { ReactNode } from 'react'
import type { Page } from '#portal/schema'
import { Retirement } from '../parts/retirement.tsx'

type Retired = Extract<Page, { kind: 'retired' }>

/** Where the answers of a retired version lead to. */
export function RetiredView({ page }: { page: Retired }): ReactNode {
  const { api, otherVersions } = page
  return (
    <div className="column column-narrow">
      <nav aria-label="Breadcrumb" className="crumbs">
        <a href="/apis">APIs</a> <span aria-hidden="true">/</span> {api.domain}
      </nav>
      <header className="page-head">
        <h1>
          {api.title} <span className="version">{api.version}</span>
        </h1>
      </header>
      <Retirement api={api} />
      {otherVersions.length > 0 && (
        <p>
          Other versions:{' '}
          {otherVersions.map((other, index) => (
            <span key={other.id}>
              {index > 0 && ', '}
              <a href={`/apis/${other.id}`}>{other.version}</a>
            </span>
          ))}
        </p>
      )}
      <p>
        <a href="/apis">All APIs</a> · <a href="/errors/GONE">What GONE means</a>
      </p>
    </div>
  )
}
