import type { ReactNode } from 'react'
import type { OperationPage, Page, Site } from '#portal/schema'
import { TryIt } from '../islands/try-it.tsx'
import { Lifecycle, Method, Status } from '../parts/badges.tsx'
import { CodePanel, Samples } from '../parts/code.tsx'
import { Facts } from '../parts/facts.tsx'
import { Island } from '../parts/island.tsx'
import { Markdown } from '../parts/markdown.tsx'
import { Retirement } from '../parts/retirement.tsx'
import { SchemaFields } from '../parts/schema-fields.tsx'
import { errorRows } from '../view-models/error-rows.ts'
import { rulesOf } from '../view-models/operation-rules.ts'
import { typeName } from '../view-models/schema-rows.ts'

type Operation = Extract<Page, { kind: 'operation' }>

export function OperationView({ site, page }: { site: Site; page: Operation }): ReactNode {
  const { api, operation } = page
  return (
    <div className="reference">
      <ReferenceNav page={page} />
      <article className="reference-main">
        <nav aria-label="Breadcrumb" className="crumbs">
          <a href="/apis">APIs</a> <span aria-hidden="true">/</span>{' '}
          <a href={`/apis/${api.name}/${api.version}`}>
            {api.title} {api.version}
          </a>
        </nav>
        <header className="page-head">
          <h1>{operation.summary || operation.operationId}</h1>
          <p className="address">
            <Method method={operation.method} />
            <code>
              {page.gateway}
              {api.basePath}
              {operation.path}
            </code>
          </p>
          {(operation.deprecated || api.lifecycle !== 'published') && (
            <p>
              <Lifecycle lifecycle={operation.deprecated ? 'deprecated' : api.lifecycle} />
            </p>
          )}
        </header>
        <Retirement api={api} />
        <Markdown source={operation.description} shift={1} />
        <section aria-labelledby="terms">
          <h2 id="terms">Before you build on it</h2>
          <Facts
            api={api}
            prices={page.prices}
            currency={site.currency}
            scopes={operation.scopes}
          />
          <Rules operation={operation} />
        </section>
        <Parameters page={page} />
        <RequestBody page={page} />
        <Responses page={page} />
        <Errors page={page} />
      </article>
      <aside className="reference-side" aria-label="Try it and code samples">
        <section aria-labelledby="try-title" className="try-card">
          <header>
            <h2 id="try-title">Try it</h2>
            <span className="pill pill-sandbox">Sandbox</span>
          </header>
          <Island
            name="try-it"
            component={TryIt}
            props={{ target: page.tryIt, signedIn: site.signedIn === 'partner', compact: false }}
          />
          <noscript>
            <p className="quiet">Running a call from this page needs script.</p>
          </noscript>
        </section>
        <section aria-labelledby="samples-title">
          <h2 id="samples-title" className="side-title">
            The token, then the call
          </h2>
          <Samples samples={page.samples} name="language" />
        </section>
      </aside>
    </div>
  )
}

function Rules({ operation }: { operation: OperationPage }): ReactNode {
  const rules = rulesOf(operation.rules)
  if (rules.length === 0) return null
  return (
    <ul className="rules" aria-label="Rules of this operation">
      {rules.map((rule) => (
        <li key={rule}>{rule}</li>
      ))}
    </ul>
  )
}

function ReferenceNav({ page }: { page: Operation }): ReactNode {
  const { api } = page
  return (
    <nav className="reference-nav" aria-label={`${api.title} ${api.version}`}>
      <p className="nav-title">
        <a href={`/apis/${api.name}/${api.version}`}>
          {api.title} <span className="version">{api.version}</span>
        </a>
      </p>
      <ul>
        {api.operations.map((operation) => {
          const here = operation.operationId === page.operation.operationId
          return (
            <li key={operation.operationId}>
              <a
                href={`/apis/${api.name}/${api.version}/${operation.operationId}`}
                {...(here ? { 'aria-current': 'page' as const } : {})}
              >
                {operation.summary || operation.operationId}
              </a>
              {here && <OnThisPage operation={operation} />}
            </li>
          )
        })}
      </ul>
      <p className="nav-more">
        <a href="/sandbox">Test numbers</a>
        <a href="/errors">Error codes</a>
        <a href="/apis">All APIs</a>
      </p>
    </nav>
  )
}

function OnThisPage({ operation }: { operation: OperationPage }): ReactNode {
  return (
    <ul className="on-page">
      <li>
        <a href="#terms">Price and terms</a>
      </li>
      {operation.parameters.length > 0 && (
        <li>
          <a href="#parameters">Parameters</a>
        </li>
      )}
      {operation.requestBody !== undefined && (
        <li>
          <a href="#request">Request body</a>
        </li>
      )}
      <li>
        <a href="#responses">Responses</a>
      </li>
      <li>
        <a href="#error-codes">Error codes</a>
      </li>
    </ul>
  )
}

function Parameters({ page }: { page: Operation }): ReactNode {
  const { parameters } = page.operation
  if (parameters.length === 0) return null
  return (
    <section aria-labelledby="parameters">
      <h2 id="parameters">Parameters</h2>
      <ul className="fields" aria-label="Parameters">
        {parameters.map((parameter) => (
          <li key={`${parameter.in} ${parameter.name}`}>
            <p className="field-head">
              <code>{parameter.name}</code>
              <span className="type">
                {typeName(parameter.schema, page.api.schemas)} in {parameter.in}
              </span>
              {parameter.required && <span className="required">required</span>}
            </p>
            <Markdown source={parameter.description} shift={4} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function RequestBody({ page }: { page: Operation }): ReactNode {
  const body = page.operation.requestBody
  if (body === undefined) return null
  return (
    <section aria-labelledby="request">
      <h2 id="request">Request body</h2>
      <p className="quiet">
        <code>{body.mediaType}</code>
        {body.required ? ', required' : ', may be left out'}
      </p>
      <SchemaFields
        schema={body.schema}
        schemas={page.api.schemas}
        label="Fields of the request body"
      />
      {page.requestExample !== undefined && (
        <CodePanel block={page.requestExample} title="Example request body" />
      )}
    </section>
  )
}

function Responses({ page }: { page: Operation }): ReactNode {
  const { operation } = page
  const good = operation.responses.filter((r) => /^[123]/.test(r.status))
  return (
    <section aria-labelledby="responses">
      <h2 id="responses">Responses</h2>
      {good.map((response) => {
        const example = page.responses.find((r) => r.status === response.status)
        return (
          <section key={response.status} aria-label={`Response ${response.status}`}>
            <h3 className="response-title">
              <Status status={response.status} /> {response.description}
            </h3>
            {response.schema === undefined ? (
              <p className="quiet">No body.</p>
            ) : (
              <SchemaFields
                schema={response.schema}
                schemas={page.api.schemas}
                label={`Fields of response ${response.status}`}
              />
            )}
            {example !== undefined && (
              <CodePanel block={example.block} title={`Example ${response.status}`} />
            )}
          </section>
        )
      })}
    </section>
  )
}

function Errors({ page }: { page: Operation }): ReactNode {
  const rows = errorRows(page.operation, page.api.schemas)
  return (
    <section aria-labelledby="error-codes">
      <h2 id="error-codes">Error codes</h2>
      <p>
        The body is always <code>status</code>, <code>code</code> and <code>message</code>. Branch
        on <code>code</code>; the message is for people and may change. Send{' '}
        <code>x-correlator</code> and it comes back on the answer and in your call list.
      </p>
      <ul className="fields" aria-label="Error codes">
        {rows.map((row) => (
          <li key={`${row.status} ${row.code}`}>
            <p className="field-head">
              <Status status={row.status} />
              <a href={`/errors/${encodeURIComponent(row.code)}`}>
                <code>{row.code}</code>
              </a>
            </p>
            <p className="when">{row.when}</p>
          </li>
        ))}
      </ul>
      {page.knownCodes.length > 0 && (
        <p className="quiet">
          The gateway itself may also answer{' '}
          {page.knownCodes.map((code, index) => (
            <span key={code}>
              {index > 0 && (index === page.knownCodes.length - 1 ? ' or ' : ', ')}
              <a href={`/errors/${code}`}>{code}</a>
            </span>
          ))}
          .
        </p>
      )}
    </section>
  )
}
