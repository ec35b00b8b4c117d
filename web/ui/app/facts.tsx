import { Anchor, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { ExchangeDetail } from '#metering/schema'
import { type Fact, upstreamShare } from '../explain-exchange.ts'

export function Facts({ facts }: { facts: readonly Fact[] }): ReactNode {
  return (
    <dl className="facts">
      {facts.map((fact) => (
        <FactLine key={fact.label} fact={fact} />
      ))}
    </dl>
  )
}

function FactLine({ fact }: { fact: Fact }): ReactNode {
  const { label, value, mono, to, href } = fact
  const text = <span className={mono === true ? 'mono' : ''}>{value}</span>
  return (
    <>
      <dt>{label}</dt>
      <dd>
        {to !== undefined ? (
          <Anchor component={Link} to={to}>
            {text}
          </Anchor>
        ) : href !== undefined ? (
          <Anchor href={href}>{text}</Anchor>
        ) : (
          text
        )}
      </dd>
    </>
  )
}

/** How long a call took, and which part of it the service behind it did. */
export function Times({ exchange }: { exchange: ExchangeDetail }): ReactNode {
  const share = upstreamShare(exchange)
  const own = exchange.totalMs - (exchange.upstreamMs ?? 0)
  return (
    <div>
      <Text size="sm" mb={6}>
        {exchange.totalMs.toFixed(1)} ms in all: {own.toFixed(1)} ms here,{' '}
        {(exchange.upstreamMs ?? 0).toFixed(1)} ms there ({share} %)
      </Text>
      <svg
        className="timeline"
        viewBox="0 0 100 4"
        preserveAspectRatio="none"
        width="100%"
        height="14"
        aria-hidden="true"
      >
        <rect width={share} height="4" className="timeline-part" />
      </svg>
    </div>
  )
}
