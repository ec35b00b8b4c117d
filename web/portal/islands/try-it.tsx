import { type ReactNode, useEffect, useState } from 'react'
import type { Application } from '#partners/schema'
import type { TryItResult, TryItTarget } from '#portal/schema'
import { faultFrom, type List, manage, query } from '../../ui/management.ts'
import { Icon } from '../parts/icons.tsx'
import { readPhone, withPhone } from '../view-models/phone-field.ts'
import { initialInput, requestOf, type TryItInput } from '../view-models/try-it.ts'
import { type Failure, Steps } from './try-it-result.tsx'

export type TryItProps = {
  target: TryItTarget
  signedIn: boolean
  /** the landing page shows the number and the answer only */
  compact: boolean
}

export function TryIt({ target, signedIn, compact }: TryItProps): ReactNode {
  const [input, setInput] = useState<TryItInput>(() => initialInput(target))
  const [applications, setApplications] = useState<Application[]>([])
  const [applicationId, setApplicationId] = useState<string>()
  const [running, setRunning] = useState(false)
  const [result, setResult] = useState<TryItResult>()
  const [failure, setFailure] = useState<Failure>()

  useEffect(() => {
    if (!signedIn) return
    const leaving = new AbortController()
    manage<List<Application>>(
      'GET',
      `/applications${query({ perPage: 100 })}`,
      undefined,
      leaving.signal,
    )
      .then(({ items }) => {
        const own = items.filter((a) => a.environment === 'sandbox' && a.state === 'active')
        setApplications(own)
        setApplicationId(own[0]?.id)
      })
      .catch(() => undefined)
    return () => leaving.abort()
  }, [signedIn])

  const run = async (): Promise<void> => {
    const request = requestOf(target, input, applicationId)
    setResult(undefined)
    if (!request.ok) {
      setFailure({ message: request.fault, code: undefined })
      return
    }
    setFailure(undefined)
    setRunning(true)
    try {
      setResult(await manage<TryItResult>('POST', '/try-it', request.request))
    } catch (error) {
      const fault = faultFrom(error)
      setFailure({ message: fault.message, code: fault.code })
    } finally {
      setRunning(false)
    }
  }

  return (
    <form
      className={compact ? 'try try-compact' : 'try'}
      aria-label={`Try ${target.title}`}
      onSubmit={(event) => {
        event.preventDefault()
        void run()
      }}
    >
      <Fields target={target} input={input} setInput={setInput} compact={compact} />
      {applications.length > 0 && (
        <label className="try-field">
          <span>Call as</span>
          <select
            value={applicationId ?? ''}
            onChange={(event) =>
              setApplicationId(event.target.value === '' ? undefined : event.target.value)
            }
          >
            {applications.map((application) => (
              <option key={application.id} value={application.id}>
                {application.name} (your application)
              </option>
            ))}
            <option value="">Guest of this portal</option>
          </select>
        </label>
      )}
      <div className="try-run">
        <button type="submit" className="button" disabled={running}>
          <Icon name="play" size={14} />
          {running ? 'Running…' : 'Run'}
        </button>
        <span className="quiet">
          {applications.length > 0
            ? 'A real call to the sandbox, with a token got for you.'
            : 'A real sandbox call as a guest. No account needed.'}
        </span>
      </div>
      <Steps
        target={target}
        running={running}
        result={result}
        failure={failure}
        compact={compact}
        guest={applicationId === undefined}
      />
    </form>
  )
}

function Fields(options: {
  target: TryItTarget
  input: TryItInput
  setInput: (input: TryItInput) => void
  compact: boolean
}): ReactNode {
  const { target, input, setInput, compact } = options
  const phone = readPhone(input.body)
  const known = target.subscribers.some((s) => s.phoneNumber === phone)
  return (
    <>
      {target.parameters.map((parameter) => (
        <label key={parameter.name} className="try-field">
          <span>
            <code>{parameter.name}</code> <span className="quiet">in {parameter.in}</span>
            {parameter.required && <span className="required">required</span>}
          </span>
          <input
            value={input.parameters[parameter.name] ?? ''}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) =>
              setInput({
                ...input,
                parameters: { ...input.parameters, [parameter.name]: event.target.value },
              })
            }
          />
        </label>
      ))}
      {phone !== undefined && target.subscribers.length > 0 && (
        <label className="try-field">
          <span>Sandbox number</span>
          <select
            value={known ? phone : ''}
            onChange={(event) =>
              setInput({ ...input, body: withPhone(input.body, event.target.value) })
            }
          >
            {!known && <option value="">{phone} (yours)</option>}
            <Numbers
              label="People"
              numbers={target.subscribers.filter((s) => s.kind === 'person')}
            />
            <Numbers
              label="Failures, on purpose"
              numbers={target.subscribers.filter((s) => s.kind === 'failure')}
            />
          </select>
        </label>
      )}
      {target.body !== undefined && (
        <label className={compact ? 'try-field hidden-field' : 'try-field'}>
          <span>Request body</span>
          <textarea
            value={input.body}
            rows={Math.min(14, Math.max(3, input.body.split('\n').length))}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setInput({ ...input, body: event.target.value })}
          />
        </label>
      )}
    </>
  )
}

function Numbers(options: { label: string; numbers: TryItTarget['subscribers'] }): ReactNode {
  if (options.numbers.length === 0) return null
  return (
    <optgroup label={options.label}>
      {options.numbers.map((s) => (
        <option key={s.phoneNumber} value={s.phoneNumber}>
          {`${s.phoneNumber} · ${s.title}`}
        </option>
      ))}
    </optgroup>
  )
}
