import type { FormName } from '#portal/schema'

export type Field = {
  name: string
  label: string
  type: 'text' | 'email' | 'password'
  autocomplete: string
  inputMode?: 'numeric'
  hint?: string
  minLength?: number
  maxLength: number
}

export type FormModel = {
  title: string
  lead: string
  submit: string
  fields: readonly Field[]
}

const email: Field = {
  name: 'email',
  label: 'Work e-mail',
  type: 'email',
  autocomplete: 'username',
  maxLength: 254,
}
const newPassword: Field = {
  name: 'password',
  label: 'Password',
  type: 'password',
  autocomplete: 'new-password',
  hint: 'At least 12 characters. A few words are better than symbols.',
  minLength: 12,
  maxLength: 128,
}

export const forms: Readonly<Record<FormName, FormModel>> = {
  'sign-up': {
    title: 'Create your sandbox account',
    lead: 'Your keys are on the next page. No card, no call, no approval for the sandbox.',
    submit: 'Create account and show my keys',
    fields: [
      {
        name: 'organisation',
        label: 'Organisation',
        type: 'text',
        autocomplete: 'organization',
        maxLength: 120,
      },
      { name: 'name', label: 'Your name', type: 'text', autocomplete: 'name', maxLength: 120 },
      email,
      newPassword,
    ],
  },
  'sign-in': {
    title: 'Sign in',
    lead: 'To your applications, keys and usage.',
    submit: 'Sign in',
    fields: [
      { ...email, label: 'E-mail', autocomplete: 'username webauthn' },
      {
        name: 'password',
        label: 'Password',
        type: 'password',
        autocomplete: 'current-password',
        maxLength: 128,
      },
    ],
  },
  recovery: {
    title: 'Choose a new password',
    lead: 'We send a link to the address, if it has an account here.',
    submit: 'Send the link',
    fields: [{ ...email, label: 'E-mail' }],
  },
  reset: {
    title: 'Set a new password',
    lead: 'Other sessions of this account end when you do.',
    submit: 'Set password',
    fields: [{ ...newPassword, label: 'New password' }],
  },
  'verify-email': {
    title: 'Confirm your e-mail',
    lead: 'Production needs a confirmed address. The sandbox does not.',
    submit: 'Confirm this address',
    fields: [],
  },
  'accept-invitation': {
    title: 'Join your team',
    lead: 'Choose a name and a password for your own account.',
    submit: 'Join',
    fields: [
      { name: 'name', label: 'Your name', type: 'text', autocomplete: 'name', maxLength: 120 },
      newPassword,
    ],
  },
}

/** What follows a password that was right, by the kind of code that is asked for. */
export const codeFields: Readonly<Record<'totp' | 'recovery-code', Field>> = {
  totp: {
    name: 'code',
    label: 'Code of your authenticator app',
    type: 'text',
    autocomplete: 'one-time-code',
    inputMode: 'numeric',
    hint: 'Six digits, new every half minute.',
    maxLength: 12,
  },
  'recovery-code': {
    name: 'code',
    label: 'Recovery code',
    type: 'text',
    autocomplete: 'off',
    hint: 'One of the ten that you have kept. Each works once.',
    maxLength: 40,
  },
}

export type FieldErrors = Readonly<Record<string, string>>

/** What can be told before asking the server: the same limits as the server's schemas. */
export function checkForm(form: FormName, values: Readonly<Record<string, string>>): FieldErrors {
  const errors: Record<string, string> = {}
  for (const field of forms[form].fields) {
    const fault = checkField(field, values[field.name] ?? '')
    if (fault !== undefined) errors[field.name] = fault
  }
  return errors
}

function checkField(field: Field, value: string): string | undefined {
  if (value.trim() === '') return `Fill in: ${field.label.toLowerCase()}.`
  if (value.length > field.maxLength) return `At most ${field.maxLength} characters.`
  if (field.minLength !== undefined && value.length < field.minLength) {
    const missing = field.minLength - value.length
    return `At least ${field.minLength} characters: ${missing} more.`
  }
  if (field.type === 'email' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value.trim()))
    return 'Write an address such as name@company.com.'
  return undefined
}

/** Puts the server's violations at the fields they are about; the rest stays for the head of the form. */
export function errorsByField(
  fields: readonly { name: string }[],
  violations: readonly { path: string; message: string }[],
): { fields: FieldErrors; rest: string[] } {
  const found: Record<string, string> = {}
  const rest: string[] = []
  for (const { path, message } of violations) {
    const name = path.split('/').at(-1) ?? ''
    const sentence = sentenceOf(message)
    if (fields.some((f) => f.name === name)) {
      found[name] = found[name] === undefined ? sentence : `${found[name]} ${sentence}`
    } else rest.push(path === '' ? sentence : `${path}: ${message}`)
  }
  return { fields: found, rest }
}

function sentenceOf(message: string): string {
  const start = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(start) ? start : `${start}.`
}

/** Where to go after signing in: only a path of this origin. */
export function safeReturn(target: string | null, fallback: string): string {
  return target !== null && /^\/(?![/\\])[\x21-\x7e]*$/.test(target) ? target : fallback
}
