import { Fragment, type ReactNode } from 'react'
import type { ApiPage, PlanPrice } from '#portal/schema'
import { isZero, priceText } from '../../ui/format.ts'

const consentText: Readonly<Record<string, string>> = {
  none: 'No subscriber consent needed',
  contract: 'Covered by the contract with the subscriber',
  'legitimate-interest': 'Legitimate interest; no consent screen',
  consent: 'The subscriber’s consent is needed',
}

/** Price, scope, promise, owner: what decides whether to build on it. */
export function Facts(options: {
  api: ApiPage
  prices: PlanPrice[]
  currency: string
  scopes?: string[][]
}): ReactNode {
  const { api, prices, currency, scopes } = options
  return (
    <dl className="facts">
      <div>
        <dt>Price a call</dt>
        <dd>
          {prices.length === 0 ? (
            'Ask the owner'
          ) : (
            <ul>
              {prices.map((price) => (
                <li key={price.plan}>
                  <span className="quiet">{price.plan}:</span>{' '}
                  {isZero(price.amount) ? 'no charge' : priceText(price.amount, currency)}
                </li>
              ))}
            </ul>
          )}
        </dd>
      </div>
      {scopes !== undefined && <Scopes scopes={scopes} />}
      <div>
        <dt>Service level</dt>
        <dd>
          {api.sla.availability.replace(/%?$/, '%')} available
          <br />
          <span className="quiet">95 of 100 answers within {api.sla.latencyMs} ms</span>
        </dd>
      </div>
      <LegalBasis api={api} scopes={scopes} />
      <div>
        <dt>Owner</dt>
        <dd>
          {api.owner.team}
          <br />
          <Contact contact={api.owner.contact} />
        </dd>
      </div>
    </dl>
  )
}

/** Scopes with the same bases stand together; on the page of an operation only its own. */
function LegalBasis({ api, scopes }: { api: ApiPage; scopes: string[][] | undefined }): ReactNode {
  const named = scopes?.flat()
  const own = api.legalBases.filter(({ scope }) => named === undefined || named.includes(scope))
  const groups = Map.groupBy(own, ({ bases }) => JSON.stringify(bases))
  return (
    <div>
      <dt>Legal basis and purposes</dt>
      <dd>
        {own.length === 0 && (consentText[api.consent] ?? api.consent)}
        {[...groups.values()].map((group) => (
          <div key={group[0]?.scope}>
            {groups.size > 1 && group.map(({ scope }) => <code key={scope}>{scope}</code>)}
            <ul>
              {group[0]?.bases.map((basis) => (
                <Basis key={JSON.stringify(basis)} basis={basis} />
              ))}
            </ul>
          </div>
        ))}
      </dd>
    </div>
  )
}

type BasisOfScope = ApiPage['legalBases'][number]['bases'][number]

function Basis({ basis }: { basis: BasisOfScope }): ReactNode {
  const { purposes, expiresAfterDays: days } = basis
  return (
    <li>
      {consentText[basis.basis] ?? basis.basis}
      {days !== undefined && `, for ${days} ${days === 1 ? 'day' : 'days'}`}
      <br />
      <span className="quiet">
        {purposes === undefined
          ? 'For any purpose'
          : purposes.map((purpose, index) => (
              <Fragment key={purpose}>
                {index > 0 && ' · '}
                <PurposeName purpose={purpose} />
              </Fragment>
            ))}
      </span>
    </li>
  )
}

/** `dpv:FraudPreventionAndDetection` may be broken between its words, and is copied as it is. */
function PurposeName({ purpose }: { purpose: string }): ReactNode {
  return purpose.split(/(?<=[a-z])(?=[A-Z])/).map((word, index) => (
    <Fragment key={`${purpose} ${word}`}>
      {index > 0 && <wbr />}
      {word}
    </Fragment>
  ))
}

function Contact({ contact }: { contact: string }): ReactNode {
  if (/^[^\s@]+@[^\s@]+$/.test(contact)) return <a href={`mailto:${contact}`}>{contact}</a>
  if (/^https?:\/\//.test(contact)) return <a href={contact}>{contact}</a>
  return <span className="quiet">{contact}</span>
}

function Scopes({ scopes }: { scopes: string[][] }): ReactNode {
  return (
    <div>
      <dt>Scope</dt>
      <dd>
        {scopes.length === 0 ? (
          'None: a valid token is enough'
        ) : (
          <ul>
            {scopes.map((set, index) => (
              <li key={set.join(' ')}>
                {index > 0 && <span className="quiet">or </span>}
                {set.map((scope) => (
                  <code key={scope}>{scope}</code>
                ))}
              </li>
            ))}
          </ul>
        )}
      </dd>
    </div>
  )
}
