import { Anchor, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { ConsentLanguage } from '#consent/schema'
import { DataTable } from '../../ui/app/data-table.tsx'
import { PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { timeText } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'
import { versionText, wordRows } from '../view-models/consent-words.ts'

/** In which words subscribers are asked now, language by language, and whose version that is. */
export function ConsentWordsPage(): ReactNode {
  const languages = useManaged<List<ConsentLanguage>>('/consent-languages?perPage=100')
  return (
    <>
      <Text size="sm" mb={4}>
        <Anchor component={Link} to="/console/consents">
          Consents
        </Anchor>
      </Text>
      <PageTitle
        title="Words"
        lead="What subscribers read when they are asked. An answer keeps the words that were shown; a file or PUT /consent-languages changes those of the next question."
      />
      <Reading of={languages}>
        {({ items }) => (
          <Stack gap="lg">
            <section className="card" aria-labelledby="languages">
              <Title order={2} id="languages" mb="sm">
                Languages
              </Title>
              <DataTable
                label="Languages"
                rows={items}
                rowKey={(one) => one.locale}
                columns={[
                  { title: 'Language', cell: (one) => <strong>{one.locale}</strong> },
                  { title: 'Words of', cell: (one) => versionText(one) },
                  {
                    title: 'Changed',
                    cell: (one) => (one.own === undefined ? '' : timeText(one.own.madeAt)),
                    nowrap: true,
                  },
                  {
                    title: 'Version',
                    cell: (one) => (
                      <span className="mono nowrap" title={one.own?.hash}>
                        {one.own === undefined ? '' : `${one.own.hash.slice(0, 10)}…`}
                      </span>
                    ),
                  },
                ]}
              />
            </section>
            {items.map((language) => (
              <Words key={language.locale} language={language} />
            ))}
          </Stack>
        )}
      </Reading>
    </>
  )
}

function Words({ language }: { language: ConsentLanguage }): ReactNode {
  return (
    <details className="card">
      <summary>{language.locale}</summary>
      <DataTable
        label={`Words in ${language.locale}`}
        rows={wordRows(language)}
        rowKey={(row) => row.name}
        columns={[
          { title: 'Of', cell: (row) => <span className="mono wrap">{row.name}</span> },
          {
            title: 'Words',
            cell: (row) => (
              <span lang={language.locale} dir="auto">
                {row.text}
              </span>
            ),
          },
        ]}
      />
    </details>
  )
}
