import type { ReactNode } from 'react'
import type { Page, Site } from '#portal/schema'
import { Lifecycle, Method } from '../parts/badges.tsx'
import { Facts } from '../parts/facts.tsx'
import { Markdown } from '../parts/markdown.tsx'
import { Retirement } from '../parts/retirement.tsx'

type Api = Extract<Page, { kind: 'api' }>

export function ApiView({ site, page }: { site: Site; page: Api }): ReactNode {
  const { api } = page
  return (
    <div className="column">
      <nav aria-label="Breadcrumb" className="crumbs">
        <a href="/apis">APIs</a> <span aria-hidden="true">/</span> {api.domain}
      </nav>
      <header className="page-head">
        <h1>
          {api.title} <span className="version">{api.version}</span>
        </h1>
        <p className="lead">{api.summary}</p>
        <p className="meta">
          <Lifecycle lifecycle={api.lifecycle} />
          <span>document version {api.fullVersion}</span>
          {page.otherVersions.map((other) => (
            <a key={other.id} href={`/apis/${other.name}/${other.version}`}>
              {other.version}
            </a>
          ))}
        </p>
      </header>
      <Retirement api={api} />
      <section aria-labelledby="operations">
        <h2 id="operations">Operations</h2>
        <ul className="operation-list">
          {api.operations.map((operation) => (
            <li key={operation.operationId}>
              <a href={`/apis/${api.name}/${api.version}/${operation.operationId}`}>
                <span className="operation-name">
                  <Method method={operation.method} />
                  <strong>{operation.summary || operation.operationId}</strong>
                </span>
                <code>
                  {api.basePath}
                  {operation.path}
                </code>
              </a>
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="terms">
        <h2 id="terms">Terms</h2>
        <Facts api={api} prices={page.prices} currency={site.currency} />
      </section>
      <section aria-labelledby="about">
        <h2 id="about">About this API</h2>
        <Markdown source={api.description} shift={2} />
      </section>
    </div>
  )
}
