import {
  Button,
  FileButton,
  Group,
  Modal,
  SegmentedControl,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Application } from '#partners/schema'
import { Refused } from '../../ui/app/parts.tsx'
import { useChange } from '../../ui/app/use-managed.ts'
import { readCertificateText } from '../view-models/client-certificate.ts'

/** Registers a client certificate, or a name in certificates of the operator's CA. */
export function AddCertificate({ application }: { application: Application }): ReactNode {
  const [open, setOpen] = useState(false)
  const [way, setWay] = useState<'certificate' | 'name'>('certificate')
  const [text, setText] = useState('')
  const [name, setName] = useState('DNS:')
  const [fault, setFault] = useState<string>()
  const change = useChange({
    done: () => {
      setOpen(false)
      setText('')
      setName('DNS:')
    },
  })
  const send = (more: { certificate: string } | { subjectAlternativeName: string }): void =>
    change.send({
      method: 'POST',
      path: `/applications/${application.id}/credentials`,
      body: { type: 'client_certificate', ...more },
    })
  const submit = (): void => {
    if (way === 'name') {
      setFault(undefined)
      send({ subjectAlternativeName: name.trim() })
      return
    }
    const read = readCertificateText(text)
    setFault(read.ok ? undefined : read.fault)
    if (read.ok) send({ certificate: read.certificate })
  }
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setOpen(true)}>
        Register a certificate
      </Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<Text fw={650}>Register a client certificate</Text>}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault()
            submit()
          }}
        >
          <Stack>
            <SegmentedControl
              aria-label="What to register"
              value={way}
              onChange={(value) => setWay(value as 'certificate' | 'name')}
              data={[
                { value: 'certificate', label: 'A certificate of your own' },
                { value: 'name', label: 'A name that the operator’s CA certifies' },
              ]}
            />
            {way === 'certificate' ? (
              <Pasted text={text} fault={fault} change={setText} />
            ) : (
              <TextInput
                label="Subject alternative name"
                description="DNS:api.bank.example, or URI:urn:bank:api. Any certificate of the operator’s CA with this name is accepted."
                value={name}
                maxLength={512}
                required
                data-autofocus
                onChange={(event) => setName(event.currentTarget.value)}
              />
            )}
            {change.fault !== undefined && <Refused fault={change.fault} />}
            <Group justify="flex-end">
              <Button type="submit" loading={change.sending}>
                Register
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}

function Pasted(options: {
  text: string
  fault: string | undefined
  change: (text: string) => void
}): ReactNode {
  const { text, fault, change } = options
  return (
    <>
      <Textarea
        label="Certificate (PEM)"
        description="Self-signed is fine. RSA from 2048 bits, P-256, P-384 or Ed25519; signed with SHA-256 or better. The private key stays with you."
        placeholder="-----BEGIN CERTIFICATE-----"
        value={text}
        rows={8}
        className="source"
        spellCheck={false}
        required
        {...(fault === undefined ? {} : { error: fault })}
        onChange={(event) => change(event.currentTarget.value)}
      />
      <FileButton
        accept=".pem,.crt,.cer,application/x-pem-file,application/x-x509-user-cert"
        onChange={(file) => {
          if (file !== null) void file.text().then(change)
        }}
      >
        {(props) => (
          <Button {...props} size="xs" variant="default" style={{ alignSelf: 'flex-start' }}>
            Choose a file
          </Button>
        )}
      </FileButton>
    </>
  )
}
