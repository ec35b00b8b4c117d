import { type ReactNode, useState } from 'react'
import type { TryItResult, TryItTarget } from '#portal/schema'
import { Icon } from '../parts/icons.tsx'
import { Scroll } from '../parts/scroll.tsx'
import { pathOfUrl, prettyBody, roundMs, verdictOf } from '../view-models/try-it.ts'

export type Failure = { message: string; code: string | undefined }

export function Steps(options: {
  target: TryItTarget
  running: boolean
  result: TryItResult | undefined
  failure: Failure | undefined
  compact: boolean
  guest: boolean
}): ReactNode {
  const { target, running, result, failure, compact } = options
  const call = result?.call
  const state = running ? 'running' : 'waiting'
  return (
    <div className="steps">
      <ol>
        <Step
          name="Token"
          text={
            result === undefined ? 'POST /token' : `POST ${pathOfUrl(result.token.request.url)}`
          }
          status={result?.token.status}
          ms={result?.token.ms}
          state={state}
        />
        <Step
          name="Call"
          text={`${target.method} ${call === undefined ? target.path : pathOfUrl(call.request.url)}`}
          status={call?.status}
          ms={call?.ms}
          state={state}
        />
      </ol>
      <p className="live" role="status">
        {failure !== undefined && <span className="live-bad">{failure.message}</span>}
        {result !== undefined && <Verdict result={result} />}
      </p>
      {result !== undefined && <Result result={result} compact={compact} />}
      {result !== undefined && call !== undefined && call.status < 300 && options.guest && (
        <p className="keep">
          <a href="/sign-up">
            Get keys of your own <Icon name="arrow" size={15} />
          </a>
        </p>
      )}
    </div>
  )
}

function Step(options: {
  name: string
  text: string
  status: number | undefined
  ms: number | undefined
  state: 'running' | 'waiting'
}): ReactNode {
  const { name, text, status, ms, state } = options
  const kind = status === undefined ? state : status < 300 ? 'good' : status < 500 ? 'warn' : 'bad'
  return (
    <li className={`step step-${kind}`}>
      <span className="step-name">{name}</span>
      <code className="step-text">{text}</code>
      <span className="step-status">
        {status === undefined ? (state === 'running' ? '…' : '–') : status}
      </span>
      <span className="step-ms">{ms === undefined ? '' : roundMs(ms)}</span>
    </li>
  )
}

function Verdict({ result }: { result: TryItResult }): ReactNode {
  const verdict = verdictOf(result)
  return (
    <span className={`live-${verdict.tone}`}>
      <strong>{verdict.headline}</strong>{' '}
      {verdict.advice !== undefined && <span>{verdict.advice} </span>}
      {verdict.code !== undefined && (
        <a href={`/errors/${encodeURIComponent(verdict.code)}`}>What {verdict.code} means</a>
      )}
    </span>
  )
}

const views = ['Body', 'Headers', 'Token', 'curl'] as const
type View = (typeof views)[number]

function Result({ result, compact }: { result: TryItResult; compact: boolean }): ReactNode {
  const [view, setView] = useState<View>(result.call === undefined ? 'Token' : 'Body')
  const shown = compact ? (['Body', 'Token', 'curl'] as const) : views
  return (
    <div className="result">
      <fieldset className="result-tabs" aria-label="Part of the answer">
        {shown.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={view === name}
            onClick={() => setView(name)}
          >
            {name}
          </button>
        ))}
      </fieldset>
      <Scroll kind="code-scroll" label={view}>
        <pre className="code">
          <code>{textOf(view, result)}</code>
        </pre>
      </Scroll>
      {result.call !== undefined && !compact && (
        <p className="trace">
          x-correlator <code>{result.call.correlator}</code>
          {result.call.exchangeId !== undefined && (
            <>
              {' '}
              · exchange <code>{result.call.exchangeId}</code>
            </>
          )}
        </p>
      )}
    </div>
  )
}

function textOf(view: View, { token, call, curl }: TryItResult): string {
  const headers = (pairs: Readonly<Record<string, string>>): string =>
    Object.entries(pairs)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n')
  switch (view) {
    case 'Body':
      return call === undefined ? '' : call.body === '' ? '(no body)' : prettyBody(call.body)
    case 'Headers':
      return call === undefined
        ? ''
        : `${call.request.method} ${pathOfUrl(call.request.url)}\n${headers(call.request.headers)}\n\n${call.status}\n${headers(call.headers)}`
    case 'Token':
      return [
        `${token.request.method} ${token.request.url}`,
        headers(token.request.headers),
        '',
        token.request.body ?? '',
        '',
        `${token.status}${token.error === undefined ? '' : ` ${token.error}`}`,
        ...(token.scope === undefined ? [] : [`scope: ${token.scope}`]),
        ...(token.expiresIn === undefined ? [] : [`expires in ${token.expiresIn} s`]),
      ].join('\n')
    case 'curl':
      return curl
  }
}
