import { Anchor, Button, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import type { ExchangeDetail } from '#metering/schema'
import { Facts, Times } from '../../ui/app/facts.tsx'
import { May } from '../../ui/app/may.tsx'
import {
  EnvironmentPill,
  Notice,
  PageTitle,
  Reading,
  StatusCode,
  Value,
} from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import {
  adviceText,
  callFacts,
  ownerText,
  retryText,
  upstreamFacts,
} from '../../ui/explain-exchange.ts'
import { timeText } from '../../ui/format.ts'
import { faultFrom, query } from '../../ui/management.ts'

/** Answers "why?": what happened, who has to do something, and where to look on. */
export function ExchangePage(): ReactNode {
  const { exchangeId = '' } = useParams()
  const exchange = useManaged<ExchangeDetail>(`/exchanges/${encodeURIComponent(exchangeId)}`)
  const isMissing = exchange.error !== null && faultFrom(exchange.error).status === 404
  if (exchange.data === undefined && isMissing)
    return <NotYet id={exchangeId} again={() => void exchange.refetch()} />
  return (
    <Reading of={exchange} title="Call">
      {(found) => <Shown exchange={found} />}
    </Reading>
  )
}

function NotYet({ id, again }: { id: string; again: () => void }): ReactNode {
  const looking = useManaged<ExchangeDetail>(`/exchanges/${encodeURIComponent(id)}`, {
    everyMs: 1_000,
  })
  if (looking.data !== undefined) return <Shown exchange={looking.data} />
  return (
    <>
      <PageTitle title="Call" lead="It is counted a second or two after its answer." />
      <Notice tone="warn">
        <Text>There is no such call yet. This page looks again each second.</Text>
        <Button size="xs" variant="default" onClick={again}>
          Look now
        </Button>
      </Notice>
    </>
  )
}

function Shown({ exchange }: { exchange: ExchangeDetail }): ReactNode {
  const upstream = upstreamFacts(exchange)
  return (
    <>
      <PageTitle
        title={`${exchange.status} ${exchange.code ?? (exchange.status < 400 ? 'succeeded' : '')}`}
        lead={`${exchange.operationId ?? exchange.method} · ${timeText(exchange.at)}`}
        actions={
          <Group gap="sm">
            <StatusCode status={exchange.status} />
            <EnvironmentPill environment={exchange.environment} />
          </Group>
        }
      />
      <Stack gap="lg">
        {exchange.failure !== undefined && <Failed exchange={exchange} />}
        <section className="card" aria-labelledby="call">
          <Title order={2} id="call" size="h4" mb="md">
            The call
          </Title>
          <Facts facts={callFacts(exchange, true)} />
        </section>
        <section className="card" aria-labelledby="behind">
          <Title order={2} id="behind" size="h4" mb="md">
            The service behind it
          </Title>
          {exchange.upstreamMs === undefined && exchange.upstream === undefined ? (
            <Text c="dimmed" mb={upstream.length > 0 ? 'md' : 0}>
              It was not called.
            </Text>
          ) : (
            <Times exchange={exchange} />
          )}
          <Facts facts={upstream} />
        </section>
        <section className="card" aria-labelledby="ids">
          <Title order={2} id="ids" size="h4" mb="md">
            Where to look on
          </Title>
          <Stack gap="sm">
            <Value label="x-correlator" value={exchange.correlator} />
            <Value label="x-exchange-id" value={exchange.id} />
            {exchange.traceId === undefined ? (
              <Text size="sm" c="dimmed">
                The call was not traced.
              </Text>
            ) : (
              <Value label="Trace id" value={exchange.traceId} />
            )}
            <Group gap="lg">
              {exchange.traceUrl !== undefined && (
                <Anchor href={exchange.traceUrl} target="_blank" rel="noreferrer">
                  Open the trace
                </Anchor>
              )}
              {(exchange.subject !== undefined || exchange.legal !== undefined) && (
                <May to="evidence.read" silent>
                  <Anchor component={Link} to={`/console/evidence/exchanges/${exchange.id}`}>
                    Why it was answered, with proof
                  </Anchor>
                </May>
              )}
              <Anchor
                component={Link}
                to={`/console/exchanges${query({ id: exchange.correlator })}`}
              >
                All calls with this correlator
              </Anchor>
            </Group>
          </Stack>
        </section>
      </Stack>
    </>
  )
}

function Failed({ exchange }: { exchange: ExchangeDetail }): ReactNode {
  const { failure } = exchange
  if (failure === undefined) return null
  return (
    <Notice tone={exchange.status >= 500 ? 'bad' : 'warn'}>
      <div>
        <Title order={2} size="h4">
          Owner: {ownerText(exchange)}
          {failure.contact !== undefined && ` · ${failure.contact}`}
        </Title>
        <Text mt={6}>
          {failure.meaning} {retryText(exchange)} {adviceText(exchange)}
        </Text>
        {failure.cause !== undefined && <Text mt={6}>{failure.cause}</Text>}
        {exchange.refusedBy !== undefined && (
          <Text mt={6}>
            Refused by <code className="mono">{exchange.refusedBy}</code>
            {failure.rule === undefined ? '' : `: ${failure.rule}`}.
          </Text>
        )}
        {failure.documentation !== undefined && (
          <Anchor href={failure.documentation} mt={6} display="inline-block">
            What {exchange.code} means and what to do
          </Anchor>
        )}
      </div>
    </Notice>
  )
}
