import { Anchor, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { EvidenceStatus } from '#audit/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import { CodeBox, Notice, Reading, Value } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { countText, timeText } from '../../ui/format.ts'

const commands = [
  '# A file that was exported here, without any connection:',
  'node verify.mjs evidence.json --checkpoints checkpoints.jsonl',
  '',
  '# The whole log against everything that was signed:',
  './wayleave audit verify --checkpoints /mnt/auditor/evidence',
].join('\n')

/** Whether the log is what was signed, who has the signatures, and how to look for oneself. */
export function EvidenceState(): ReactNode {
  const status = useManaged<EvidenceStatus>('/evidence', { everyMs: 30_000 })
  return (
    <section className="card" aria-labelledby="log">
      <Title order={2} id="log" size="h4" mb="md">
        The log
      </Title>
      <Reading of={status}>{(now) => <Shown status={now} />}</Reading>
    </section>
  )
}

function Shown({ status }: { status: EvidenceStatus }): ReactNode {
  const { newest } = status
  return (
    <Stack gap="md">
      <Alarm status={status} />
      {newest === undefined ? (
        <Text>Nothing is signed yet. That happens within a minute of the first evidence.</Text>
      ) : (
        <>
          <Text>
            {countText(newest.size)} of {countText(status.leaves)} leaves are signed, the last time{' '}
            {timeText(newest.signedAt)}.
          </Text>
          <Value label="Root" value={newest.root} />
          <Value label="Public key" value={newest.key} />
        </>
      )}
      <DataTable
        label="Places outside the database"
        rows={status.sinks}
        rowKey={({ name }) => name}
        columns={[
          { title: 'Place', cell: ({ name }) => <span className="mono">{name}</span> },
          { title: 'Has leaves up to', cell: ({ exported }) => countText(exported), number: true },
          { title: 'Waiting', cell: ({ owed }) => countText(owed), number: true },
          {
            title: 'Since',
            cell: ({ owedSince }) => (owedSince === undefined ? '' : timeText(owedSince)),
          },
          { title: 'Fault', cell: ({ fault }) => fault ?? '' },
        ]}
      />
      <details>
        <summary>How to verify it</summary>
        <Stack gap="sm" mt="sm">
          <Text>
            Compare the public key with the one that was published, and the checkpoints with a copy
            in other hands. The{' '}
            <Anchor href="/management/v1/evidence/verify.mjs" download>
              verifier
            </Anchor>{' '}
            is one file for Node 20 and later.
          </Text>
          <CodeBox label="Commands" code={commands} />
        </Stack>
      </details>
    </Stack>
  )
}

function Alarm({ status }: { status: EvidenceStatus }): ReactNode {
  const { contradiction, sinks } = status
  if (contradiction !== undefined)
    return (
      <div role="alert">
        <Notice tone="bad">
          <Text fw={600}>The log is not what was signed</Text>
          <Text mt={6}>{contradiction}</Text>
        </Notice>
      </div>
    )
  if (sinks.some(({ fault, owed }) => fault !== undefined || owed > 100))
    return (
      <Notice tone="warn">
        <Text>
          A place outside the database does not take checkpoints. They wait for it; until it has
          them, it proves nothing about the newest evidence.
        </Text>
      </Notice>
    )
  return (
    <Notice tone="good">
      <Text>The log is what was signed, and every place that shows what it has agrees.</Text>
    </Notice>
  )
}
