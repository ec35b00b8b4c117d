import { Anchor, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import type { EvidenceItem, EvidenceSearch, EvidencePage as Found } from '#audit/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import { Empty, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { timeText } from '../../ui/format.ts'
import { manage } from '../../ui/management.ts'
import { whyPath } from '../view-models/evidence-search.ts'
import { EvidenceForm } from './evidence-form.tsx'
import { EvidenceState } from './evidence-state.tsx'

/** What there is evidence of, and how the log stands. A number that is entered is in no address and no cache of the browser's. */
export function EvidencePage(): ReactNode {
  const [search, setSearch] = useState<EvidenceSearch>({})
  const found = useInfiniteQuery({
    queryKey: ['evidence', search],
    queryFn: ({ pageParam, signal }) =>
      manage<Found>(
        'POST',
        '/evidence/search',
        { ...search, ...(pageParam !== '' && { cursor: pageParam }) },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    gcTime: 0,
    // Each search for a number is written down: only what a person asked for.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    retry: false,
  })
  return (
    <>
      <PageTitle
        title="Evidence"
        lead="Who got what of whom, and why, in a signed log that can be verified without us. A number is hashed and forgotten; that you searched for one is kept."
      />
      <Stack gap="lg">
        <EvidenceState />
        <section aria-labelledby="search">
          <Title order={2} id="search" size="h4" mb="md">
            Search
          </Title>
          <EvidenceForm onSearch={setSearch} />
          <Reading of={found}>
            {({ pages }) => (
              <Results
                items={pages.flatMap(({ items }) => items)}
                more={found.hasNextPage ? () => void found.fetchNextPage() : undefined}
                loading={found.isFetchingNextPage}
              />
            )}
          </Reading>
        </section>
      </Stack>
    </>
  )
}

function Results(options: {
  items: readonly EvidenceItem[]
  more: (() => void) | undefined
  loading: boolean
}): ReactNode {
  const { items, more, loading } = options
  if (items.length === 0)
    return (
      <Empty title="No evidence">
        <Text>
          There is nothing like this in this time. A call about a person is here a few seconds after
          its answer.
        </Text>
      </Empty>
    )
  return (
    <>
      <ResultTable items={items} />
      {more !== undefined && (
        <Group mt="md">
          <Button variant="default" onClick={more} loading={loading}>
            Show more
          </Button>
        </Group>
      )}
    </>
  )
}

function ResultTable({ items }: { items: readonly EvidenceItem[] }): ReactNode {
  return (
    <DataTable
      label="Evidence"
      rows={items}
      rowKey={(item) => `${item.sort} ${item.id}`}
      columns={[
        {
          title: 'When',
          cell: (item) => (
            <Anchor component={Link} to={whyPath(item)}>
              {timeText(item.at)}
            </Anchor>
          ),
          nowrap: true,
        },
        { title: 'What', cell: (item) => <strong>{item.what}</strong> },
        { title: 'Partner', cell: (item) => <Mono text={item.partnerId} /> },
        { title: 'About', cell: (item) => <Mono text={item.about ?? item.applicationId} /> },
        { title: 'Purpose', cell: (item) => <Mono text={item.purpose} /> },
        { title: 'Basis', cell: (item) => item.basis ?? '' },
        { title: 'Environment', cell: (item) => item.environment ?? '' },
        { title: 'By', cell: (item) => <Mono text={item.by} /> },
      ]}
    />
  )
}

const Mono = ({ text }: { text: string | undefined }): ReactNode =>
  text === undefined ? null : (
    <span className="mono clip" title={text}>
      {text}
    </span>
  )
