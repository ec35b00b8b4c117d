import { Button, FileButton, SegmentedControl, Textarea, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Application } from '#partners/schema'
import { FormDialog } from '../../ui/app/form-dialog.tsx'
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
    <FormDialog
      label="Register a certificate"
      button={{ size: 'xs' }}
      title="Register a client certificate"
      action="Register"
      wide
      open={open}
      setOpen={setOpen}
      change={change}
      send={submit}
    >
      <SegmentedControl
        aria-label="What to register"
        value={way}
        onChange={(value) => setWay(value as 'certificate' | 'name')}
        data={[
          { value: 'certificate', label: 'Your certificate' },
          { value: 'name', label: 'A certified name' },
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
    </FormDialog>
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
        data-autofocus
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
