import { Anchor, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Exchange } from '#metering/schema'
import { priceText, timeText } from '../format.ts'
import { DataTable } from './data-table.tsx'
import { EnvironmentPill, StatusCode } from './parts.tsx'

/** Calls, newest first: what came, what became of it, how long it took, what it costs. */
export function ExchangeTable(options: {
  rows: readonly Exchange[]
  who: string
  nameOf: (exchange: Exchange) => ReactNode
  isNew?: (exchange: Exchange) => boolean
  /** where more is said about a call */
  linkOf?: (exchange: Exchange) => string
}): ReactNode {
  const { rows, who, nameOf, isNew, linkOf } = options
  return (
    <DataTable
      label="Calls"
      rows={rows}
      rowKey={(e) => e.id}
      {...(isNew === undefined ? {} : { isNew })}
      columns={[
        {
          title: 'Time',
          cell: (e) =>
            linkOf === undefined ? (
              timeText(e.at)
            ) : (
              <Anchor component={Link} to={linkOf(e)} size="sm">
                {timeText(e.at)}
              </Anchor>
            ),
          nowrap: true,
        },
        {
          title: 'Operation',
          cell: (e) => (
            <>
              <Text size="sm" fw={550} className="name">
                {e.operationId ?? e.method}
              </Text>
              <Text size="xs" c="dimmed">
                {e.apiId ?? 'no API'}
              </Text>
            </>
          ),
        },
        {
          title: 'Status',
          cell: (e) => (
            <>
              <StatusCode status={e.status} />
              <Code exchange={e} />
            </>
          ),
        },
        { title: who, cell: nameOf },
        { title: 'Environment', cell: (e) => <EnvironmentPill environment={e.environment} /> },
        { title: 'Took', cell: (e) => `${e.totalMs.toFixed(1)} ms`, number: true, nowrap: true },
        { title: 'Price', cell: priceOf, number: true, nowrap: true },
        {
          title: 'x-correlator',
          cell: (e) => (
            <span className="mono clip" title={e.correlator}>
              {e.correlator}
            </span>
          ),
        },
      ]}
    />
  )
}

const priceOf = (e: Exchange): string => {
  if (e.units === 0) return 'not billed'
  return e.unitPrice === undefined ? '' : priceText(e.unitPrice, e.currency ?? '')
}

function Code({ exchange }: { exchange: Exchange }): ReactNode {
  if (exchange.code === undefined) return null
  return (
    <>
      <br />
      <Anchor href={`/errors/${encodeURIComponent(exchange.code)}`} size="xs" className="mono">
        {exchange.code}
      </Anchor>
      {exchange.refusedBy !== undefined && (
        <Text size="xs" c="dimmed">
          by {exchange.refusedBy}
        </Text>
      )}
    </>
  )
}
