import { type ReactNode, useState } from 'react'
import type { Field } from '../view-models/forms.ts'

/** One field of a form with its label, its hint and what is wrong with it. */
export function FormField({
  field,
  error,
}: {
  field: Field
  error: string | undefined
}): ReactNode {
  const [shown, setShown] = useState(false)
  const described = [
    ...(field.hint === undefined ? [] : [`${field.name}-hint`]),
    ...(error === undefined ? [] : [`${field.name}-error`]),
  ]
  return (
    <div className={error === undefined ? 'field' : 'field field-bad'}>
      <label htmlFor={field.name}>{field.label}</label>
      {field.hint !== undefined && (
        <p className="hint" id={`${field.name}-hint`}>
          {field.hint}
        </p>
      )}
      <div className="field-input">
        <input
          id={field.name}
          name={field.name}
          type={shown ? 'text' : field.type}
          autoComplete={field.autocomplete}
          {...(field.inputMode === undefined ? {} : { inputMode: field.inputMode })}
          maxLength={field.maxLength}
          required
          aria-invalid={error !== undefined}
          {...(described.length > 0 ? { 'aria-describedby': described.join(' ') } : {})}
        />
        {field.type === 'password' && (
          <button
            type="button"
            className="reveal"
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          >
            {shown ? 'Hide' : 'Show'}
          </button>
        )}
      </div>
      {error !== undefined && (
        <p className="field-error" id={`${field.name}-error`}>
          {error}
        </p>
      )}
    </div>
  )
}
