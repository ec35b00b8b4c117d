import { Button, Group, Modal, Select, Stack, Text, TextInput, Title } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { EmailDomain } from '#identity/schema'
import { Confirm } from '../../ui/app/confirm.tsx'
import { DataTable } from '../../ui/app/data-table.tsx'
import { May } from '../../ui/app/may.tsx'
import { Refused, Value } from '../../ui/app/parts.tsx'
import { useChange } from '../../ui/app/use-managed.ts'

/** Nobody signs in by an address whose domain is not proved to be the organisation's. */
export function EmailDomains(options: {
  path: string
  domains: readonly EmailDomain[]
}): ReactNode {
  const { path, domains } = options
  return (
    <section className="card" aria-labelledby="domains">
      <Title order={2} id="domains" mb="sm">
        Domains
      </Title>
      <Text c="dimmed" mb="md" maw={720}>
        The e-mail addresses of your people end with them. Prove each one, by a record in the DNS or
        a mail to its postmaster.
      </Text>
      {domains.length > 0 && (
        <DataTable
          label="Domains"
          rows={domains}
          rowKey={({ domain }) => domain}
          columns={[
            { title: 'Domain', cell: ({ domain }) => domain },
            {
              title: 'State',
              cell: ({ confirmed }) => (
                <Text size="sm" c={confirmed ? 'var(--good)' : 'dimmed'}>
                  {confirmed ? 'proved' : 'not proved yet'}
                </Text>
              ),
            },
            {
              title: 'Change',
              cell: (domain) => (
                <May to="sso.change" silent>
                  <Group gap="xs" wrap="nowrap">
                    {!domain.confirmed && <Prove path={path} domain={domain} />}
                    <RemoveDomain path={path} domain={domain} />
                  </Group>
                </May>
              ),
            },
          ]}
        />
      )}
      <May to="sso.change">
        <AddDomain path={path} />
      </May>
    </section>
  )
}

function AddDomain({ path }: { path: string }): ReactNode {
  const [domain, setDomain] = useState('')
  const change = useChange({ done: () => setDomain('') })
  const wrong = change.fault?.violations[0]?.message
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        change.send({ method: 'POST', path: `${path}/domains`, body: { domain: domain.trim() } })
      }}
    >
      <Group align="flex-end" mt="md">
        <TextInput
          label="Domain"
          placeholder="company.example"
          value={domain}
          onChange={(event) => setDomain(event.currentTarget.value)}
          maxLength={200}
          required
          {...(wrong === undefined ? {} : { error: `It ${wrong}.` })}
        />
        <Button type="submit" variant="default" loading={change.sending}>
          Add domain
        </Button>
      </Group>
      {change.fault !== undefined && wrong === undefined && <Refused fault={change.fault} />}
    </form>
  )
}

function RemoveDomain({ path, domain }: { path: string; domain: EmailDomain }): ReactNode {
  const change = useChange({})
  return (
    <Confirm
      label="Remove"
      title={`Remove ${domain.domain}?`}
      consequence="Nobody signs in by single sign-on with an address of it from then on."
      action="Remove domain"
      sending={change.sending}
      fault={change.fault}
      confirm={() => change.send({ method: 'DELETE', path: `${path}/domains/${domain.domain}` })}
    />
  )
}

function Prove({ path, domain }: { path: string; domain: EmailDomain }): ReactNode {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button size="xs" onClick={() => setOpen(true)} aria-label={`Prove ${domain.domain}`}>
        Prove
      </Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<Text fw={650}>Prove {domain.domain}</Text>}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Stack gap="lg">
          <ByRecord path={`${path}/domains/${domain.domain}`} domain={domain} />
          <ByMail path={`${path}/domains/${domain.domain}`} domain={domain} />
        </Stack>
      </Modal>
    </>
  )
}

function ByRecord({ path, domain }: { path: string; domain: EmailDomain }): ReactNode {
  const change = useChange({})
  return (
    <Stack gap="xs">
      <Text fw={600}>By a record in the DNS</Text>
      <Value label="Name of the TXT record" value={domain.record.name} />
      <Value label="Its value" value={domain.record.value} />
      {change.fault !== undefined && <Refused fault={change.fault} />}
      <Group>
        <Button
          loading={change.sending}
          onClick={() => change.send({ method: 'POST', path: `${path}/proof`, body: {} })}
        >
          Look for the record
        </Button>
      </Group>
    </Stack>
  )
}

function ByMail({ path, domain }: { path: string; domain: EmailDomain }): ReactNode {
  const [mailbox, setMailbox] = useState<string | null>('postmaster')
  const [sent, setSent] = useState(false)
  const mail = useChange({ done: () => setSent(true) })
  const proof = useChange({})
  return (
    <Stack gap="xs">
      <Text fw={600}>Or by a mail</Text>
      <Group align="flex-end">
        <Select
          label="Mailbox"
          data={['postmaster', 'hostmaster', 'admin'].map((name) => ({
            value: name,
            label: `${name}@${domain.domain}`,
          }))}
          value={mailbox}
          onChange={setMailbox}
          allowDeselect={false}
        />
        <Button
          variant="default"
          loading={mail.sending}
          onClick={() => mail.send({ method: 'POST', path: `${path}/mail`, body: { mailbox } })}
        >
          Mail a code
        </Button>
      </Group>
      {mail.fault !== undefined && <Refused fault={mail.fault} />}
      {sent && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            const code = String(new FormData(event.currentTarget).get('code')).trim()
            proof.send({ method: 'POST', path: `${path}/proof`, body: { code } })
          }}
        >
          <Group align="flex-end">
            <TextInput label="Code from the mail" name="code" maxLength={100} required />
            <Button type="submit" loading={proof.sending}>
              Prove by code
            </Button>
          </Group>
          {proof.fault !== undefined && <Refused fault={proof.fault} />}
        </form>
      )}
    </Stack>
  )
}
