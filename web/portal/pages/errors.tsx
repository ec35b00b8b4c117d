import type { ReactNode } from 'react'
import type { Page } from '#portal/schema'
import { retryAdvice, Status } from '../parts/badges.tsx'
import { CodePanel } from '../parts/code.tsx'
import { Scroll } from '../parts/scroll.tsx'

export function ErrorsView({ page }: { page: Extract<Page, { kind: 'errors' }> }): ReactNode {
  return (
    <div className="column">
      <header className="page-head">
        <h1>Error codes</h1>
        <p className="lead">
          Every API here fails the same way: <code>status</code>, <code>code</code>,{' '}
          <code>message</code>. Write one handler that branches on <code>code</code>.
        </p>
      </header>
      <Scroll kind="table-scroll" label="Error codes">
        <table className="errors">
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col">Code</th>
              <th scope="col">Meaning</th>
              <th scope="col">Repeat?</th>
            </tr>
          </thead>
          <tbody>
            {page.codes.map((row) => (
              <tr key={row.code}>
                <td>
                  <Status status={String(row.status)} />
                </td>
                <th scope="row">
                  <a href={`/errors/${row.code}`}>
                    <code>{row.code}</code>
                  </a>
                </th>
                <td>{row.meaning}</td>
                <td>{row.retry}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p className="quiet">
        The token endpoint answers in the OAuth format instead: <code>error</code> and{' '}
        <code>error_description</code>.
      </p>
    </div>
  )
}

export function ErrorView({ page }: { page: Extract<Page, { kind: 'error' }> }): ReactNode {
  const { error } = page
  return (
    <div className="column column-narrow">
      <nav aria-label="Breadcrumb" className="crumbs">
        <a href="/errors">Error codes</a>
      </nav>
      <header className="page-head">
        <h1 className="code-title">
          {error.status !== undefined && <Status status={String(error.status)} />} {error.code}
        </h1>
        <p className="lead">{error.meaning}</p>
      </header>
      {error.causes.length > 0 && (
        <section aria-labelledby="causes">
          <h2 id="causes">Why it comes</h2>
          <ul>
            {error.causes.map((cause) => (
              <li key={cause}>{cause}</li>
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="remedy">
        <h2 id="remedy">What to do</h2>
        <p>{error.remedy}</p>
        {error.retry !== undefined && (
          <p>
            <strong>Repeat?</strong> {retryAdvice(error.retry)}.
          </p>
        )}
      </section>
      {error.example !== undefined && <CodePanel block={error.example} title="The answer" />}
      {error.documentedBy.length > 0 && (
        <section aria-labelledby="documented">
          <h2 id="documented">Operations that document it</h2>
          <ul>
            {error.documentedBy.map((place) => (
              <li key={`${place.apiId} ${place.operationId}`}>
                <a href={`/apis/${place.apiId}/${place.operationId}#error-codes`}>
                  {place.title} · {place.operationId}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  )
}
