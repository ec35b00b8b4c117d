import type { ReactNode } from 'react'

export function NotFoundView(): ReactNode {
  return (
    <div className="column column-narrow">
      <header className="page-head">
        <h1>There is no page here</h1>
        <p className="lead">It may have moved, or the API version was retired.</p>
      </header>
      <p>
        <a href="/apis">All APIs</a> · <a href="/getting-started">Guide</a> ·{' '}
        <a href="/errors">Error codes</a>
      </p>
    </div>
  )
}
