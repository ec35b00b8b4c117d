import type { ReactNode } from 'react'
import type { FormName, Page } from '#portal/schema'
import { AccountForm } from '../islands/account-form.tsx'
import { SignIn } from '../islands/sign-in.tsx'
import { Island } from '../parts/island.tsx'
import { forms } from '../view-models/forms.ts'

export function FormView({ page }: { page: Extract<Page, { kind: 'form' }> }): ReactNode {
  const model = forms[page.form]
  return (
    <div className="form-page">
      <div className="form-card">
        <h1>{model.title}</h1>
        <p className="lead">{model.lead}</p>
        {page.form === 'sign-in' ? (
          <Island name="sign-in" component={SignIn} props={{}} />
        ) : (
          <Island name="account-form" component={AccountForm} props={{ form: page.form }} />
        )}
        <noscript>
          <p className="form-problems">This form needs script. The rest of the portal does not.</p>
        </noscript>
        <After form={page.form} />
      </div>
    </div>
  )
}

function After({ form }: { form: FormName }): ReactNode {
  switch (form) {
    case 'sign-up':
      return (
        <p className="form-after">
          You have an account? <a href="/sign-in">Sign in</a>. We use your address to sign you in
          and to tell you about your keys and contracts; nothing else.
        </p>
      )
    case 'sign-in':
      return (
        <p className="form-after">
          <a href="/recovery">Forgot the password</a> · <a href="/sign-up">Create an account</a>
        </p>
      )
    case 'recovery':
      return (
        <p className="form-after">
          <a href="/sign-in">Back to sign-in</a>
        </p>
      )
    default:
      return null
  }
}
