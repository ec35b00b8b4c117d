import { Anchor, Button, Group, SimpleGrid, Stack, Text, Textarea, Title } from '@mantine/core'
import { type ReactNode, useRef, useState } from 'react'
import { Link } from 'react-router'
import type { PublishedApi } from '#catalog/schema'
import { May } from '../../ui/app/may.tsx'
import { Notice, PageTitle, Refused } from '../../ui/app/parts.tsx'
import { useChange } from '../../ui/app/use-managed.ts'
import {
  isProductFault,
  type PlacedFault,
  placeFault,
  rangeOfLine,
} from '../view-models/document-faults.ts'

const productExample = `domain: Identity
owner:
  team: Identity products
  contact: identity@operator.example
state: published
plans: [free, paid, enterprise]
prices:
  paid: '0.0200'
  enterprise: '0.0120'
sla:
  availability: '99.9'
  latencyMs: 300
upstream:
  sandbox: simulated
consent:
  basis: legitimate-interest
`

export function PublishPage(): ReactNode {
  const [document_, setDocument] = useState('')
  const [product, setProduct] = useState(productExample)
  const [published, setPublished] = useState<PublishedApi>()
  const documentField = useRef<HTMLTextAreaElement>(null)
  const productField = useRef<HTMLTextAreaElement>(null)
  const change = useChange<PublishedApi>({ done: setPublished })
  const faults = (change.fault?.violations ?? []).map(placeFault)

  const jump = (fault: PlacedFault): void => {
    const field = isProductFault(fault) ? productField.current : documentField.current
    if (field === null || fault.line === undefined) return
    const { start, end } = rangeOfLine(field.value, fault.line)
    field.focus()
    field.setSelectionRange(start, end)
    const lineHeight = Number.parseFloat(getComputedStyle(field).lineHeight)
    field.scrollTop = Math.max(0, (fault.line - 4) * lineHeight)
  }

  return (
    <>
      <Text size="sm" mb={4}>
        <Anchor component={Link} to="/console/apis">
          APIs
        </Anchor>
      </Text>
      <PageTitle
        title="Publish an API"
        lead="An OpenAPI document and a product.yaml. The sandbox serves it within a second; with a fault in either, nothing is published."
      />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          setPublished(undefined)
          change.send({ method: 'POST', path: '/apis', body: { document: document_, product } })
        }}
      >
        <Stack>
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            <SourceField
              label="OpenAPI document (3.0 or 3.1, YAML or JSON)"
              value={document_}
              set={setDocument}
              field={documentField}
            />
            <SourceField
              label="product.yaml"
              value={product}
              set={setProduct}
              field={productField}
            />
          </SimpleGrid>
          <May to="api.publish">
            <Group>
              <Button type="submit" loading={change.sending} disabled={document_.trim() === ''}>
                Publish
              </Button>
            </Group>
          </May>
        </Stack>
      </form>
      <div role="status" className="outcome">
        {published !== undefined && <Published api={published} />}
        {change.fault !== undefined && faults.length === 0 && <Refused fault={change.fault} />}
        {faults.length > 0 && (
          <section aria-labelledby="faults">
            <Title order={2} id="faults" mt="lg" mb="sm">
              {faults.length === 1 ? 'One fault' : `${faults.length} faults`}, nothing published
            </Title>
            <Stack gap={6}>
              {faults.map((fault) => (
                <button
                  key={`${fault.file}${fault.line}:${fault.column}${fault.where}${fault.message}`}
                  type="button"
                  className="fault"
                  onClick={() => jump(fault)}
                >
                  <strong className="mono">
                    {fault.file} {fault.line !== undefined && `line ${fault.line}`}
                    {fault.column !== undefined && `, column ${fault.column}`}
                  </strong>{' '}
                  <span className="mono">{fault.where}</span>
                  <br />
                  {fault.message}
                </button>
              ))}
            </Stack>
          </section>
        )}
      </div>
    </>
  )
}

function SourceField(options: {
  label: string
  value: string
  set: (text: string) => void
  field: React.RefObject<HTMLTextAreaElement | null>
}): ReactNode {
  const { label, value, set, field } = options
  const file = useRef<HTMLInputElement>(null)
  return (
    <Stack gap="xs">
      <Textarea
        ref={field}
        label={label}
        value={value}
        rows={20}
        className="source"
        spellCheck={false}
        required
        onChange={(event) => set(event.currentTarget.value)}
      />
      <Group>
        <Button size="xs" variant="default" onClick={() => file.current?.click()}>
          Take a file
        </Button>
        <input
          ref={file}
          type="file"
          accept=".yaml,.yml,.json"
          hidden
          aria-label={`File for ${label}`}
          onChange={(event) => {
            const chosen = event.currentTarget.files?.[0]
            if (chosen !== undefined) void chosen.text().then(set)
          }}
        />
      </Group>
    </Stack>
  )
}

function Published({ api }: { api: PublishedApi }): ReactNode {
  return (
    <Notice tone="good">
      <Text>
        {api.changed ? 'Published' : 'Nothing changed: these two texts are published already'}:{' '}
        <Anchor href={`/apis/${api.id}`}>{api.id}</Anchor>, {api.lifecycle}.
      </Text>
      {api.warnings.length > 0 && (
        <>
          <Text>It works; what could be better in the document:</Text>
          <ul>
            {api.warnings.map((warning) => (
              <li key={`${warning.line}:${warning.column}${warning.message}`}>
                <span className="mono">
                  {warning.file}:{warning.line}:{warning.column}
                </span>{' '}
                {warning.message}
              </li>
            ))}
          </ul>
        </>
      )}
    </Notice>
  )
}
