import type { ReactNode } from 'react'
import type { Page, Site } from '#portal/schema'
import { byDomain } from '../view-models/catalog.ts'
import { ListingRow } from './home.tsx'

type Catalog = Extract<Page, { kind: 'catalog' }>

export function CatalogView({ site, page }: { site: Site; page: Catalog }): ReactNode {
  const domains = byDomain(page.apis)
  return (
    <div className="column">
      <header className="page-head">
        <h1>APIs</h1>
        <p className="lead">
          Each can be called in the sandbox now. The price and the error codes are on each
          operation’s page.
        </p>
        <search>
          <form method="get" action="/apis" className="filter">
            <label htmlFor="catalog-search" className="hidden">
              Search the catalog
            </label>
            <input
              id="catalog-search"
              type="search"
              name="q"
              defaultValue={page.query}
              placeholder="SIM, location, scope, operation …"
            />
            <button type="submit" className="button button-plain">
              Search
            </button>
          </form>
        </search>
        {domains.length > 1 && (
          <nav className="domains" aria-label="Domains">
            {domains.map(({ domain }) => (
              <a key={domain} href={`#${domain}`}>
                {domain}
              </a>
            ))}
          </nav>
        )}
      </header>
      {page.apis.length === 0 && (
        <p>
          {page.query === '' ? (
            'No API is published yet.'
          ) : (
            <>
              Nothing here matches “{page.query}”. <a href="/apis">Show everything</a>
            </>
          )}
        </p>
      )}
      {domains.map(({ domain, apis }) => (
        <section key={domain} aria-labelledby={domain} className="domain">
          <h2 id={domain}>{domain}</h2>
          <ul className="listing">
            {apis.map((api) => (
              <ListingRow key={api.id} api={api} currency={site.currency} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}
