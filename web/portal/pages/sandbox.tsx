import type { ReactNode } from 'react'
import type { Page, TestNumber } from '#portal/schema'
import { CopyButton } from '../parts/code.tsx'
import { Scroll } from '../parts/scroll.tsx'

export function SandboxView({ page }: { page: Extract<Page, { kind: 'sandbox' }> }): ReactNode {
  return (
    <div className="column">
      <header className="page-head">
        <h1>Sandbox</h1>
        <p className="lead">
          A simulated operator with subscribers that behave the same way each time. Their numbers
          begin with +990, a range that is assigned to no country: a mistake can reach nobody.
        </p>
      </header>
      <section aria-labelledby="numbers">
        <h2 id="numbers">Test numbers</h2>
        <p>
          Use one as the phone number of any request. The failures are on purpose: try each once.
        </p>
        <Numbers title="People" subscribers={page.subscribers.filter((s) => s.kind === 'person')} />
        <Numbers
          title="Failures"
          subscribers={page.subscribers.filter((s) => s.kind === 'failure')}
        />
      </section>
      <section aria-labelledby="same">
        <h2 id="same">The same as production, and what is not</h2>
        <ul>
          <li>
            The same gateway code checks tokens, scopes, limits and the documents’ schemas. An error
            you see here is the error production would give.
          </li>
          <li>
            Sandbox keys begin with <code>wl_sbx_</code> and work nowhere else. Production keys
            begin with <code>wl_live_</code> and are refused here.
          </li>
          <li>
            Messages that an API sends to a test number are in your portal, under Received messages.
          </li>
          <li>Calls are counted as in production and shown with what they would have cost.</li>
        </ul>
      </section>
    </div>
  )
}

function Numbers({ title, subscribers }: { title: string; subscribers: TestNumber[] }): ReactNode {
  return (
    <>
      <h3>{title}</h3>
      <Scroll kind="table-scroll" label={`Test numbers: ${title}`}>
        <table className="numbers">
          <thead>
            <tr>
              <th scope="col">Number</th>
              <th scope="col">Who</th>
              <th scope="col">What happens</th>
              <th scope="col">
                <span className="hidden">Copy</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {subscribers.map((subscriber) => (
              <tr key={subscriber.phoneNumber} data-copy-scope="">
                <th scope="row">
                  <code data-code="text">{subscriber.phoneNumber}</code>
                </th>
                <td>{subscriber.title}</td>
                <td>{subscriber.behaviour}</td>
                <td>
                  <CopyButton />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}
