import type { ReactNode } from 'react'
import type { ApiListing, Page, Site, UseCase } from '#portal/schema'
import { priceText } from '../../ui/format.ts'
import { TryIt } from '../islands/try-it.tsx'
import { Lifecycle, Method } from '../parts/badges.tsx'
import { Icon, type IconName } from '../parts/icons.tsx'
import { Island } from '../parts/island.tsx'

type Home = Extract<Page, { kind: 'home' }>

const useCaseIcons: Readonly<Record<string, IconName>> = {
  takeover: 'shield',
  'number-proof': 'phone',
  location: 'pin',
  quality: 'signal',
  identity: 'person',
  billing: 'card',
}

export function HomeView({ site, page }: { site: Site; page: Home }): ReactNode {
  return (
    <>
      <section className="hero">
        <div className="hero-inner">
          <div className="hero-text">
            <h1>The network, as an API you can ship this week</h1>
            <p className="lead">
              Ask {site.operatorName} whether a SIM was swapped, whether a phone is where it should
              be, or whether a number belongs to the person in front of you.
            </p>
            <ul className="promises">
              <li>
                <strong>Sandbox keys at sign-up.</strong> No approval, no meeting, no card.
              </li>
              <li>
                <strong>One standard.</strong> CAMARA paths, fields and error codes: your code moves
                between operators.
              </li>
              <li>
                <strong>Prices and errors in the open.</strong> On each operation’s page, before you
                sign anything.
              </li>
            </ul>
            <p className="actions">
              <a className="button" href={site.signedIn === 'partner' ? '/app' : '/sign-up'}>
                {site.signedIn === 'partner' ? 'To your applications' : 'Get sandbox keys'}
              </a>
              <a className="button button-plain" href="/getting-started">
                Read the guide
              </a>
            </p>
          </div>
          <LivePanel site={site} page={page} />
        </div>
      </section>
      <section className="band" aria-labelledby="use-cases">
        <h2 id="use-cases">What teams build with it</h2>
        <ul className="tiles">
          {page.useCases.map((useCase) => (
            <UseCaseTile key={useCase.id} useCase={useCase} />
          ))}
        </ul>
      </section>
      <Road />
      <section className="band" aria-labelledby="catalog">
        <div className="band-head">
          <h2 id="catalog">In the catalog now</h2>
          <a href="/apis">
            All APIs <Icon name="arrow" size={15} />
          </a>
        </div>
        {page.apis.length === 0 ? (
          <p className="quiet">No API is published yet.</p>
        ) : (
          <ul className="listing">
            {page.apis.slice(0, 8).map((api) => (
              <ListingRow key={api.id} api={api} currency={site.currency} />
            ))}
          </ul>
        )}
      </section>
    </>
  )
}

function LivePanel({ site, page }: { site: Site; page: Home }): ReactNode {
  const { live } = page
  if (live === undefined) return null
  return (
    <section className="live-panel" aria-labelledby="live-title">
      <header>
        <h2 id="live-title">{live.title}</h2>
        <span className="pill pill-sandbox">Sandbox</span>
      </header>
      <p className="live-line">
        <Method method={live.method} />
        <code>{live.path}</code>
      </p>
      <Island
        name="try-it"
        component={TryIt}
        props={{ target: live, signedIn: site.signedIn === 'partner', compact: true }}
      />
      <noscript>
        <p className="quiet">Running a call from this page needs script. The guide has the curl.</p>
      </noscript>
    </section>
  )
}

function UseCaseTile({ useCase }: { useCase: UseCase }): ReactNode {
  const { api } = useCase
  return (
    <li className={api === undefined ? 'tile tile-later' : 'tile'}>
      <span className="tile-icon">
        <Icon name={useCaseIcons[useCase.id] ?? 'signal'} size={22} />
      </span>
      <h3>
        {api === undefined ? (
          useCase.title
        ) : (
          <a href={`/apis/${api.name}/${api.version}/${api.operationId}`}>{useCase.title}</a>
        )}
      </h3>
      <p>{useCase.problem}</p>
      <p className="tile-outcome">{useCase.outcome}</p>
      <p className="tile-api">
        {api === undefined ? 'Not in this catalog yet' : `${api.title} ${api.version}`}
      </p>
    </li>
  )
}

const steps = [
  {
    time: '20 seconds',
    title: 'Run a call here',
    text: 'As a guest, on this page, against the sandbox. You see the token step and the answer.',
  },
  {
    time: '2 minutes',
    title: 'Get keys and paste one line',
    text: 'Signing up makes an application with a client id and a secret, and a curl that works as it is.',
  },
  {
    time: 'The same afternoon',
    title: 'Build against failures',
    text: 'Test numbers answer with each error you have to handle: unknown number, limit reached, no answer.',
  },
  {
    time: 'When you are ready',
    title: 'Go live',
    text: 'Production needs a confirmed e-mail and an accepted agreement. Both are in the portal.',
  },
]

function Road(): ReactNode {
  return (
    <section className="band band-soft" aria-labelledby="road">
      <div className="band-inner">
        <h2 id="road">From here to production</h2>
        <ol className="road">
          {steps.map((step) => (
            <li key={step.title}>
              <p className="road-time">{step.time}</p>
              <h3>{step.title}</h3>
              <p>{step.text}</p>
            </li>
          ))}
        </ol>
      </div>
    </section>
  )
}

export function ListingRow({ api, currency }: { api: ApiListing; currency: string }): ReactNode {
  const paid = api.prices.find((p) => Number(p.amount) > 0)
  return (
    <li className="listing-row">
      <div>
        <h3>
          <a href={`/apis/${api.name}/${api.version}`}>{api.title}</a>{' '}
          <span className="version">{api.version}</span>
          {api.lifecycle !== 'published' && <Lifecycle lifecycle={api.lifecycle} />}
        </h3>
        <p>{api.summary}</p>
        <ul className="operations">
          {api.operations.map((operation) => (
            <li key={operation.operationId}>
              <a href={`/apis/${api.name}/${api.version}/${operation.operationId}`}>
                <Method method={operation.method} />
                <span>{operation.summary || operation.operationId}</span>
              </a>
            </li>
          ))}
        </ul>
      </div>
      <p className="listing-price">
        {paid === undefined ? (
          <span>Free</span>
        ) : (
          <>
            <strong>{priceText(paid.amount, currency)}</strong>
            <span> a call on {paid.plan}</span>
          </>
        )}
      </p>
    </li>
  )
}
