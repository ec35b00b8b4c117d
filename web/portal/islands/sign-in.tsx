import { type ReactNode, useEffect, useRef, useState } from 'react'
import { codeLinkText, otherCodes, type SignInFlow, useSignIn } from '../../ui/use-sign-in.ts'
import { checkForm, codeFields, type FieldErrors, forms, safeReturn } from '../view-models/forms.ts'
import { FormField } from './form-field.tsx'

/** Signing in to the portal: with a passkey, or with a password and what may have to follow it. */
export function SignIn(): ReactNode {
  const flow = useSignIn((session) => {
    const home = session.kind === 'operator' ? '/console' : '/app'
    location.assign(safeReturn(new URLSearchParams(location.search).get('return'), home))
  })
  return flow.needed === undefined ? <First flow={flow} /> : <Second flow={flow} />
}

const textOf = (data: FormData, name: string): string => String(data.get(name) ?? '')

function First({ flow }: { flow: SignInFlow }): ReactNode {
  const model = forms['sign-in']
  const [errors, setErrors] = useState<FieldErrors>({})
  return (
    <form
      className="account-form"
      method="post"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        const data = new FormData(event.currentTarget)
        const values = { email: textOf(data, 'email'), password: textOf(data, 'password') }
        const found = checkForm('sign-in', values)
        setErrors(found)
        const first = model.fields.find((field) => found[field.name] !== undefined)
        if (first === undefined) flow.sendPassword(values.email, values.password)
        else event.currentTarget.querySelector<HTMLElement>(`#${first.name}`)?.focus()
      }}
    >
      <Problem flow={flow} />
      {flow.passkeys && (
        <>
          <PasskeyButton flow={flow} />
          <p className="or">or with your password</p>
        </>
      )}
      {model.fields.map((field) => (
        <FormField key={field.name} field={field} error={errors[field.name]} />
      ))}
      <button type="submit" className="button button-wide" disabled={flow.sending}>
        {flow.sending ? 'One moment…' : model.submit}
      </button>
      <button
        type="button"
        className="button button-wide button-plain"
        disabled={flow.sending}
        onClick={(event) => {
          const email = event.currentTarget.form?.querySelector<HTMLInputElement>('#email')
          const found = checkForm('sign-in', { email: email?.value ?? '', password: 'not asked' })
          setErrors(found)
          if (found.email === undefined) flow.sendSso(email?.value.trim() ?? '')
          else email?.focus()
        }}
      >
        Use single sign-on
      </button>
    </form>
  )
}

function Second({ flow }: { flow: SignInFlow }): ReactNode {
  const methods = flow.needed?.methods ?? []
  const start = useRef<HTMLParagraphElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each step begins where it can be gone on with
  useEffect(() => {
    const code = document.getElementById('code')
    if (code === null) start.current?.focus()
    else code.focus()
  }, [flow.method])
  return (
    <form
      className="account-form"
      method="post"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        flow.sendCode(textOf(new FormData(event.currentTarget), 'code').trim())
      }}
    >
      <p ref={start} tabIndex={-1} className="step-text">
        One step more: show that it is you.
      </p>
      <Problem flow={flow} />
      {methods.includes('passkey') && flow.passkeys && <PasskeyButton flow={flow} />}
      {flow.method !== undefined && (
        <>
          <FormField key={flow.method} field={codeFields[flow.method]} error={undefined} />
          <button type="submit" className="button button-wide" disabled={flow.sending}>
            {flow.sending ? 'One moment…' : 'Sign in'}
          </button>
        </>
      )}
      <p className="step-links">
        {otherCodes(flow.needed, flow.method).map((other) => (
          <button
            key={other}
            type="button"
            className="link-button"
            onClick={() => flow.choose(other)}
          >
            {codeLinkText[other]}
          </button>
        ))}
        <button type="button" className="link-button" onClick={flow.startOver}>
          Start over
        </button>
      </p>
    </form>
  )
}

function Problem({ flow }: { flow: SignInFlow }): ReactNode {
  return (
    <div role="alert" className="form-problems">
      {flow.fault !== undefined && <p>{flow.fault.message}</p>}
    </div>
  )
}

function PasskeyButton({ flow }: { flow: SignInFlow }): ReactNode {
  const isOnlyWay = flow.needed !== undefined && flow.method === undefined
  return (
    <button
      type="button"
      // After the password it is the way on, unless a code is asked for.
      className={`button button-wide${isOnlyWay ? '' : ' button-plain'}`}
      disabled={flow.sending || flow.asking}
      onClick={flow.askPasskey}
    >
      Sign in with a passkey
    </button>
  )
}
