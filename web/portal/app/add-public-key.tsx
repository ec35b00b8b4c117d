import { Textarea } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { Application } from '#partners/schema'
import { FormDialog } from '../../ui/app/form-dialog.tsx'
import { useChange } from '../../ui/app/use-managed.ts'
import { readPublicJwk } from '../view-models/public-jwk.ts'

/** Registers a key for private_key_jwt; a private key is refused before it leaves the browser. */
export function AddPublicKey({ application }: { application: Application }): ReactNode {
  const [open, setOpen] = useState(false)
  const [text, setText] = useState('')
  const [fault, setFault] = useState<string>()
  const change = useChange({
    done: () => {
      setOpen(false)
      setText('')
    },
  })
  const submit = (): void => {
    const read = readPublicJwk(text)
    setFault(read.ok ? undefined : read.fault)
    if (read.ok)
      change.send({
        method: 'POST',
        path: `/applications/${application.id}/credentials`,
        body: { type: 'public_key', jwk: read.jwk },
      })
  }
  return (
    <FormDialog
      label="Add a public key"
      button={{ size: 'xs' }}
      title="Add a public key"
      action="Add key"
      wide
      open={open}
      setOpen={setOpen}
      change={change}
      send={submit}
    >
      <Textarea
        label="Public key as a JWK"
        description="P-256 (ES256), or RSA of 2048 bits or more. Sign client assertions with the private half; it stays with you."
        placeholder={'{"kty":"EC","crv":"P-256","x":"…","y":"…","kid":"2026-01"}'}
        value={text}
        rows={8}
        className="source"
        spellCheck={false}
        required
        {...(fault === undefined ? {} : { error: fault })}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </FormDialog>
  )
}
