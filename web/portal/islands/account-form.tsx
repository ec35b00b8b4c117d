import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { Registration } from '#partners/schema'
import type { FormName } from '#portal/schema'
import { faultFrom, manage } from '../../ui/management.ts'
import { keepSecret } from '../../ui/secrets.ts'
import { checkForm, errorsByField, type FieldErrors, forms } from '../view-models/forms.ts'
import { FormField } from './form-field.tsx'

type Values = Record<string, string>
type Outcome = { message: string; next?: { href: string; label: string } }

/** @returns what to say when it is done, or undefined when the browser is on its way to another page */
async function send(form: PlainForm, values: Values, token: string): Promise<Outcome | undefined> {
  switch (form) {
    case 'sign-up': {
      const made = await manage<Registration>('POST', '/registrations', values)
      keepSecret(sessionStorage, made.credentials.clientId, made.credentials.clientSecret)
      sessionStorage.setItem('wayleave.first-call', JSON.stringify(made))
      location.assign('/app')
      return undefined
    }
    case 'recovery':
      await manage('POST', '/recovery', values)
      return {
        message:
          'If the address has an account here, a link is on its way. It works for half an hour.',
      }
    case 'reset':
      await manage('POST', '/recovery/reset', { token, ...values })
      return {
        message: 'The password is set.',
        next: { href: '/sign-in', label: 'Sign in with it' },
      }
    case 'verify-email':
      await manage('POST', '/email-verification/confirm', { token })
      return {
        message: 'The address is confirmed.',
        next: { href: '/app', label: 'To your applications' },
      }
    case 'accept-invitation':
      await manage('POST', '/invitations/accept', { token, ...values })
      location.assign('/app')
      return undefined
  }
}

/** A token of a link may be in the query or after "#", where no server and no log sees it. */
function tokenOfAddress(): string {
  const behind = new URLSearchParams(location.hash.replace(/^#/, ''))
  const fragment = location.hash.includes('=') ? '' : location.hash.replace(/^#/, '')
  return (
    behind.get('token') ?? (fragment || new URLSearchParams(location.search).get('token')) ?? ''
  )
}

/** Signing in has steps of its own: see `sign-in.tsx`. */
type PlainForm = Exclude<FormName, 'sign-in'>
export type AccountFormProps = { form: PlainForm }

export function AccountForm({ form }: AccountFormProps): ReactNode {
  const model = forms[form]
  const element = useRef<HTMLFormElement>(null)
  const [errors, setErrors] = useState<FieldErrors>({})
  const [problems, setProblems] = useState<string[]>([])
  const [code, setCode] = useState<string>()
  const [sending, setSending] = useState(false)
  const [outcome, setOutcome] = useState<Outcome>()

  const showErrors = (found: FieldErrors, rest: string[]): void => {
    setErrors(found)
    setProblems(rest)
    const first = model.fields.find((f) => found[f.name] !== undefined)
    if (first !== undefined) element.current?.querySelector<HTMLElement>(`#${first.name}`)?.focus()
  }

  const submit = async (values: Values): Promise<void> => {
    setCode(undefined)
    const found = checkForm(form, values)
    if (Object.keys(found).length > 0) {
      showErrors(found, [])
      return
    }
    setSending(true)
    showErrors({}, [])
    try {
      const done = await send(form, values, tokenOfAddress())
      if (done !== undefined) {
        setOutcome(done)
        setSending(false)
      }
    } catch (error) {
      const fault = faultFrom(error)
      const byField = errorsByField(model.fields, fault.violations)
      const placed = Object.keys(byField.fields).length > 0
      setCode(fault.code)
      setSending(false)
      showErrors(byField.fields, placed ? byField.rest : [fault.message])
    }
  }

  if (outcome !== undefined) return <Done outcome={outcome} />
  return (
    <form
      ref={element}
      className="account-form"
      method="post"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        const data = new FormData(event.currentTarget)
        void submit(Object.fromEntries([...data].map(([n, v]) => [n, String(v)])))
      }}
    >
      <div role="alert" className="form-problems">
        {problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
        {code === 'ALREADY_EXISTS' && (
          <p>
            <a href="/sign-in">Sign in</a> or <a href="/recovery">choose a new password</a>.
          </p>
        )}
      </div>
      {model.fields.map((field) => (
        <FormField key={field.name} field={field} error={errors[field.name]} />
      ))}
      <button type="submit" className="button button-wide" disabled={sending}>
        {sending ? 'One moment…' : model.submit}
      </button>
    </form>
  )
}

function Done({ outcome }: { outcome: Outcome }): ReactNode {
  const heading = useRef<HTMLParagraphElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <div className="done">
      <p ref={heading} tabIndex={-1}>
        {outcome.message}
      </p>
      {outcome.next !== undefined && (
        <p>
          <a className="button" href={outcome.next.href}>
            {outcome.next.label}
          </a>
        </p>
      )}
    </div>
  )
}
