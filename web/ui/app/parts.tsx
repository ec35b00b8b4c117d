import { Button, CopyButton, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { type ReactNode, useEffect } from 'react'
import { faultText } from '../fault-text.ts'
import { type Fault, faultFrom, mayPass } from '../management.ts'
import { readPageContext } from './page-context.ts'

export function PageTitle(options: {
  title: string
  lead?: ReactNode
  actions?: ReactNode
}): ReactNode {
  const { title, lead, actions } = options
  useEffect(() => {
    document.title = `${title} · ${readPageContext().operatorName}`
  }, [title])
  return (
    <Group justify="space-between" align="flex-start" mb="lg">
      <Stack gap={4} maw={720}>
        <Title order={1} className="wrap">
          {title}
        </Title>
        {lead !== undefined && <Text c="dimmed">{lead}</Text>}
      </Stack>
      {actions}
    </Group>
  )
}

/**
 * What a reading of the API shows before it is there, when it failed, and when it is.
 * @param options.title of the page, where what is read would bring it
 */
export function Reading<T>(options: {
  of: { data: T | undefined; error: Error | null; refetch: () => unknown }
  title?: string
  children: (data: T) => ReactNode
}): ReactNode {
  const { title, of } = options
  const { data, error, refetch } = of
  if (data !== undefined) return options.children(data)
  const fault = error === null ? undefined : faultFrom(error)
  return (
    <>
      {title !== undefined && <PageTitle title={title} />}
      {fault === undefined ? (
        <Waiting />
      ) : (
        <Refused fault={fault} {...(mayPass(fault) && { again: () => void refetch() })} />
      )}
    </>
  )
}

export function Waiting(): ReactNode {
  return (
    <Stack gap="sm" role="status" aria-busy="true" aria-label="Loading">
      <Skeleton height={18} width="40%" />
      <Skeleton height={18} width="70%" />
      <Skeleton height={18} width="55%" />
    </Stack>
  )
}

export function Refused({ fault, again }: { fault: Fault; again?: () => void }): ReactNode {
  return (
    <div role="alert">
      <Notice tone="bad">
        <Text>{faultText(fault)}</Text>
        {again !== undefined && (
          <Button size="xs" variant="default" onClick={again}>
            Try again
          </Button>
        )}
      </Notice>
    </div>
  )
}

/** An empty list says what will be in it and how to get there. */
export function Empty({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <div className="card">
      <Stack gap={6} align="flex-start">
        <Text fw={600}>{title}</Text>
        <div>{children}</div>
      </Stack>
    </div>
  )
}

/** A name that a partner or a person chose: it keeps its own direction, and breaks where its line ends. */
export function Named({ name }: { name: string }): ReactNode {
  return <bdi className="name">{name}</bdi>
}

export function Value({ label, value }: { label: string; value: string }): ReactNode {
  return (
    <div>
      <Text size="sm" c="dimmed" mb={4}>
        {label}
      </Text>
      <div className="value">
        <code>{value}</code>
        <Copy value={value} label={`Copy ${label.toLowerCase()}`} />
      </div>
    </div>
  )
}

export function Copy(options: { value: string; label: string; className?: string }): ReactNode {
  return (
    <CopyButton value={options.value} timeout={1_600}>
      {({ copied, copy }) => (
        <Button
          size="xs"
          variant="default"
          className={options.className ?? ''}
          leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          onClick={copy}
          aria-label={copied ? 'Copied' : options.label}
        >
          {copied ? 'Copied' : 'Copy'}
        </Button>
      )}
    </CopyButton>
  )
}

export function CodeBox({ code, label }: { code: string; label: string }): ReactNode {
  return (
    <figure className="code-box">
      <figcaption>
        <span>{label}</span>
        <Copy value={code} label={`Copy ${label.toLowerCase()}`} className="code-copy" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard */}
      <section className="code-scroll" aria-label={label} tabIndex={0}>
        <pre>
          <code>{code}</code>
        </pre>
      </section>
    </figure>
  )
}

/** Something that the reader should know before going on. */
export function Notice(options: { tone: 'warn' | 'bad' | 'good'; children: ReactNode }): ReactNode {
  return <div className={`notice notice-${options.tone}`}>{options.children}</div>
}

export function EnvironmentPill(options: { environment: 'sandbox' | 'production' }): ReactNode {
  const { environment } = options
  return (
    <span className={`pill pill-${environment}`}>
      {environment === 'sandbox' ? 'Sandbox' : 'Production'}
    </span>
  )
}

export function StatusCode({ status }: { status: number }): ReactNode {
  const tone = status < 400 ? 'good' : status < 500 ? 'warn' : 'bad'
  return <span className={`status status-${tone}`}>{status}</span>
}
