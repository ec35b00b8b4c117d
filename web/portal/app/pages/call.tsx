import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import type { ExchangeDetail } from '#metering/schema'
import { Facts, Times } from '../../../ui/app/facts.tsx'
import {
  EnvironmentPill,
  Notice,
  PageTitle,
  Reading,
  StatusCode,
  Value,
} from '../../../ui/app/parts.tsx'
import { useManaged } from '../../../ui/app/use-managed.ts'
import { callFacts, partnerAdviceText, retryText } from '../../../ui/explain-exchange.ts'
import { timeText } from '../../../ui/format.ts'

/** One of a partner's own calls: what happened, and what to do about it. */
export function CallPage(): ReactNode {
  const { exchangeId = '' } = useParams()
  const exchange = useManaged<ExchangeDetail>(`/exchanges/${encodeURIComponent(exchangeId)}`)
  return (
    <Reading of={exchange} title="Call">
      {(found) => <Shown exchange={found} />}
    </Reading>
  )
}

function Shown({ exchange }: { exchange: ExchangeDetail }): ReactNode {
  const { failure, status, code } = exchange
  return (
    <>
      <PageTitle
        title={`${status} ${code ?? (status < 400 ? 'succeeded' : '')}`}
        lead={`${exchange.operationId ?? exchange.method} · ${timeText(exchange.at)}`}
        actions={
          <Group gap="sm">
            <StatusCode status={status} />
            <EnvironmentPill environment={exchange.environment} />
          </Group>
        }
      />
      <Stack gap="lg">
        {failure !== undefined && (
          <Notice tone={status >= 500 ? 'bad' : 'warn'}>
            <div>
              <Text fw={600}>{failure.meaning}</Text>
              <Text mt={6}>
                {retryText(exchange)} {partnerAdviceText(exchange)}
              </Text>
              {exchange.refusedBy !== undefined && failure.rule !== undefined && (
                <Text mt={6}>
                  Refused by <code className="mono">{exchange.refusedBy}</code>: {failure.rule}.
                </Text>
              )}
              {failure.documentation !== undefined && (
                <Anchor href={failure.documentation} mt={6} display="inline-block">
                  What {code} means and what to do
                </Anchor>
              )}
            </div>
          </Notice>
        )}
        <section className="card" aria-labelledby="call">
          <Title order={2} id="call" size="h4" mb="md">
            The call
          </Title>
          <Times exchange={exchange} />
          <Facts facts={callFacts(exchange, false)} />
        </section>
        <section className="card" aria-labelledby="ids">
          <Title order={2} id="ids" size="h4" mb="md">
            When you ask for help
          </Title>
          <Stack gap="sm">
            <Value label="x-correlator" value={exchange.correlator} />
            <Value label="x-exchange-id" value={exchange.id} />
            {exchange.traceId !== undefined && <Value label="Trace id" value={exchange.traceId} />}
            <Anchor
              component={Link}
              to={`/app/calls?correlator=${encodeURIComponent(exchange.correlator)}`}
            >
              All calls with this correlator
            </Anchor>
          </Stack>
        </section>
      </Stack>
    </>
  )
}
