import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import type { EvidenceStory } from '#audit/schema'
import { PageTitle, Reading } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'

/** "Why did this partner get this subscriber's location at 10:04?" on one page: the answer, the facts, the proof. */
export function EvidenceWhyPage(): ReactNode {
  const { exchangeId, position = '' } = useParams()
  const path =
    exchangeId === undefined
      ? `/evidence/leaves/${encodeURIComponent(position)}`
      : `/evidence/exchanges/${encodeURIComponent(exchangeId)}`
  const story = useManaged<EvidenceStory>(path)
  return (
    <Reading of={story} title="Evidence">
      {({ title, sentence, sections }) => (
        <>
          <PageTitle title={title} />
          <Stack gap="lg">
            <Text size="lg" maw={760}>
              {sentence}
            </Text>
            <Proof path={`/management/v1${path}/bundle`} exchangeId={exchangeId} />
            {sections.map((section) => (
              <Section key={section.title + (section.quote ?? '')} section={section} />
            ))}
          </Stack>
        </>
      )}
    </Reading>
  )
}

function Proof(options: { path: string; exchangeId: string | undefined }): ReactNode {
  const { path, exchangeId } = options
  return (
    <section className="card" aria-labelledby="proof">
      <Title order={2} id="proof" size="h4" mb="md">
        Proof
      </Title>
      <Text mb="sm">
        One file holds all of this with its place in the signed log. Both spellings verify offline,
        and a changed byte is found. That you export it is kept as evidence.
      </Text>
      <Group gap="lg">
        <Anchor href={`${path}?as=page`} download>
          Download as a page
        </Anchor>
        <Anchor href={path} download>
          Download as JSON
        </Anchor>
        <Anchor href="/management/v1/evidence/verify.mjs" download>
          The verifier
        </Anchor>
        {exchangeId !== undefined && (
          <Anchor component={Link} to={`/console/exchanges/${encodeURIComponent(exchangeId)}`}>
            The call
          </Anchor>
        )}
      </Group>
    </section>
  )
}

function Section({ section }: { section: EvidenceStory['sections'][number] }): ReactNode {
  const { title, facts, quote } = section
  return (
    <section className="card">
      <Title order={2} size="h4" mb="md">
        {title}
      </Title>
      <dl className="facts">
        {facts.map(({ label, value }) => (
          <Fact key={`${label} ${value}`} label={label} value={value} />
        ))}
      </dl>
      {quote !== undefined && <blockquote className="quote">{quote}</blockquote>}
    </section>
  )
}

const Fact = ({ label, value }: { label: string; value: string }): ReactNode => (
  <>
    <dt>{label}</dt>
    <dd>{value}</dd>
  </>
)
