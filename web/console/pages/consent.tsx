import { Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useParams } from 'react-router'
import type { Consent, ConsentRecordExport } from '#consent/schema'
import { Confirm } from '../../ui/app/confirm.tsx'
import { DataTable } from '../../ui/app/data-table.tsx'
import { Facts } from '../../ui/app/facts.tsx'
import { May } from '../../ui/app/may.tsx'
import { CodeBox, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useChange, useManaged } from '../../ui/app/use-managed.ts'
import { timeText } from '../../ui/format.ts'

/** The record of one consent: who allowed what to whom, in which words, and everything that happened to it. */
export function ConsentPage(): ReactNode {
  const { consentId = '' } = useParams()
  const record = useManaged<ConsentRecordExport>(`/consents/${consentId}`)
  return (
    <Reading of={record} title="Consent">
      {(consent) => (
        <>
          <PageTitle
            title="Consent"
            lead={`${consent.state} · ${consent.recordId}`}
            actions={
              <May to="consent.withdraw">
                <Withdraw consent={consent} />
              </May>
            }
          />
          <About consent={consent} />
          <History events={consent.events} />
          {consent.privacyNotices.map((notice) => (
            <CodeBox
              key={notice.hash}
              label={`Words that were shown (${notice.locale}), SHA-256 ${notice.hash}`}
              code={notice.content}
            />
          ))}
        </>
      )}
    </Reading>
  )
}

const withdrawable: readonly string[] = ['PENDING', 'REQUESTED', 'GRANTED', 'OBJECTED']

function Withdraw({ consent }: { consent: ConsentRecordExport }): ReactNode {
  const change = useChange<Consent>({})
  if (!withdrawable.includes(consent.state)) return null
  const objection = consent.state === 'OBJECTED'
  return (
    <Confirm
      label={objection ? 'Lift' : 'Withdraw'}
      size="sm"
      title={objection ? 'Lift this objection?' : 'Withdraw this consent?'}
      consequence={
        objection
          ? 'The application may process this data again. Only at the wish of the subscriber.'
          : 'Calls that rest on it are refused within a second, and it does not come back. Only at the wish of the subscriber.'
      }
      action={objection ? 'Lift' : 'Withdraw'}
      sending={change.sending}
      fault={change.fault}
      confirm={() =>
        change.send({
          method: 'POST',
          path: `/consents/${consent.recordId}/withdrawal`,
          body: { reason: 'at the wish of the subscriber, over the console' },
        })
      }
    />
  )
}

function About({ consent }: { consent: ConsentRecordExport }): ReactNode {
  const [processing] = consent.processing.purposes
  const partner = consent.piiControllers.find(({ id }) => id !== undefined)
  const { from, until } = consent.validity
  return (
    <Facts
      facts={[
        { label: 'Environment', value: consent.environment },
        { label: 'Subscriber', value: consent.piiPrincipalId, mono: true },
        {
          label: 'Partner',
          value: partner?.name ?? '',
          ...(partner?.id !== undefined && { to: `/console/partners/${partner.id}` }),
        },
        { label: 'Application', value: processing?.recipients[0]?.name ?? '' },
        { label: 'Purpose', value: processing?.purpose ?? '', mono: true },
        { label: 'Legal basis', value: processing?.lawfulBasis ?? '' },
        {
          label: 'Scopes',
          value: processing?.piiInformation.map(({ category }) => category).join(' ') ?? '',
          mono: true,
        },
        ...(from === undefined ? [] : [{ label: 'From', value: timeText(from) }]),
        ...(until === undefined ? [] : [{ label: 'Until', value: timeText(until) }]),
      ]}
    />
  )
}

function History({ events }: { events: ConsentRecordExport['events'] }): ReactNode {
  return (
    <>
      <Title order={2} size="h4" mt="lg" mb="sm">
        What happened
      </Title>
      <DataTable
        label="History"
        rows={events}
        rowKey={(event) => `${event.eventTime} ${event.eventState}`}
        columns={[
          { title: 'Time', cell: (event) => timeText(event.eventTime), nowrap: true },
          { title: 'State', cell: (event) => <strong>{event.eventState}</strong> },
          { title: 'By', cell: (event) => event.entityId ?? event.entity },
          { title: 'Over', cell: (event) => event.channel },
          { title: 'Known by', cell: (event) => event.method ?? '' },
          {
            title: 'Words',
            cell: (event) => (
              <span className="mono">
                {event.noticeHash === undefined
                  ? ''
                  : `${event.noticeLocale} ${event.noticeHash.slice(0, 10)}…`}
              </span>
            ),
          },
          { title: 'Why', cell: (event) => <Text size="sm">{event.reason ?? ''}</Text> },
        ]}
      />
    </>
  )
}
