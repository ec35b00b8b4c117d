import type { ReactNode } from 'react'
import type { Page, Site } from '#portal/schema'
import { Samples } from '../parts/code.tsx'

export function GuideView({
  site,
  page,
}: {
  site: Site
  page: Extract<Page, { kind: 'guide' }>
}): ReactNode {
  return (
    <div className="column column-narrow guide">
      <header className="page-head">
        <h1>Getting started</h1>
        <p className="lead">
          From nothing to a first 200 in the sandbox, and what stands between that and production.
        </p>
      </header>
      <section aria-labelledby="keys">
        <h2 id="keys">1. Get keys</h2>
        {site.signedIn === 'partner' ? (
          <p>
            You have an account: to <a href="/app">your applications and keys</a>.
          </p>
        ) : (
          <p>
            <a href="/sign-up">Sign up</a> with four fields. You get an organisation, a sandbox
            application, a client id and a client secret. The secret is shown once; make another
            whenever you need one.
          </p>
        )}
      </section>
      <section aria-labelledby="token">
        <h2 id="token">2. Get a token, make a call</h2>
        <p>
          Tokens come from <code>{page.tokenUrl}</code> by the client credentials grant, for the
          scopes that the operation’s page names. A token lives for ten minutes: keep it and use it
          for many calls. Calls go to <code>{page.gateway}</code>.
        </p>
        {page.samples.length > 0 && <Samples samples={page.samples} name="guide-language" />}
        <p>
          Any OAuth library does: the metadata is at{' '}
          <code className="long">{page.openIdConfiguration}</code>. Instead of a secret you may
          register a public key and authenticate by <code>private_key_jwt</code>, which is how banks
          usually want it.
        </p>
      </section>
      <section aria-labelledby="failures">
        <h2 id="failures">3. Build against failures</h2>
        <p>
          The <a href="/sandbox">test numbers</a> answer with each failure on purpose. A handler
          that covers these covers most of what happens in production:
        </p>
        <ul>
          <li>
            <a href="/errors/UNAUTHENTICATED">401 UNAUTHENTICATED</a>: get a new token once, repeat
            once.
          </li>
          <li>
            <a href="/errors/IDENTIFIER_NOT_FOUND">404 IDENTIFIER_NOT_FOUND</a>: the number is not
            this operator’s. Not a fault of yours.
          </li>
          <li>
            <a href="/errors/TOO_MANY_REQUESTS">429 TOO_MANY_REQUESTS</a>: wait for the seconds that{' '}
            <code>Retry-After</code> gives.
          </li>
          <li>
            <a href="/errors/UNAVAILABLE">503</a> and <a href="/errors/TIMEOUT">504</a>: repeat
            later, with increasing pauses.
          </li>
        </ul>
        <p>
          Send an <code>x-correlator</code> of your own with each call. It comes back on the answer,
          and finds the call in your call list and in ours.
        </p>
      </section>
      <section aria-labelledby="production">
        <h2 id="production">4. Go to production</h2>
        <p>
          Production needs a confirmed e-mail address and an accepted agreement. Both are in the
          portal, under Production; there is no meeting. Then make a production application: the
          same code runs with other keys and two other addresses.
        </p>
      </section>
    </div>
  )
}
