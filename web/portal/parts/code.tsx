import type { ReactNode } from 'react'
import type { CodeBlock, CodeToken } from '#portal/schema'
import { Icon } from './icons.tsx'
import { Scroll } from './scroll.tsx'

function Token({ token }: { token: CodeToken }): ReactNode {
  if (token.fill !== undefined) {
    return (
      <span className="fill" data-fill={token.fill}>
        {token.text}
      </span>
    )
  }
  return token.kind === undefined ? (
    token.text
  ) : (
    <span className={`t-${token.kind}`}>{token.text}</span>
  )
}

/** Highlighted on the server; the browser only copies it. */
export function Code({ block, label }: { block: CodeBlock; label: string }): ReactNode {
  return (
    <Scroll kind="code-scroll" label={label}>
      <pre className="code">
        <code data-code={block.language}>
          {block.lines.map((line, number) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines and tokens never move
            <span key={number} className="line">
              {line.map((token, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines and tokens never move
                <Token key={index} token={token} />
              ))}
              {'\n'}
            </span>
          ))}
        </code>
      </pre>
    </Scroll>
  )
}

export function CopyButton({ label = 'Copy' }: { label?: string }): ReactNode {
  return (
    <button type="button" className="copy needs-script" data-copy="">
      <Icon name="copy" size={15} />
      <span data-copy-text="">{label}</span>
    </button>
  )
}

export function CodePanel({ block, title }: { block: CodeBlock; title: string }): ReactNode {
  return (
    <figure className="code-panel" data-copy-scope="">
      <figcaption>
        <span>{title}</span>
        <CopyButton />
      </figcaption>
      <Code block={block} label={title} />
    </figure>
  )
}

/** Radio buttons and a style rule choose the language, so the choice works without script. */
export function Samples({ samples, name }: { samples: CodeBlock[]; name: string }): ReactNode {
  return (
    <figure className="code-panel samples" data-samples="" data-copy-scope="">
      <figcaption>
        <fieldset className="languages">
          <legend className="hidden">Language of the sample</legend>
          {samples.map((sample, index) => (
            <label key={sample.language} className="language">
              <input
                type="radio"
                name={name}
                value={sample.language}
                defaultChecked={index === 0}
                className={`pick pick-${index + 1}`}
              />
              <span>{sample.label}</span>
            </label>
          ))}
        </fieldset>
      </figcaption>
      {samples.map((sample, index) => (
        <div key={sample.language} className={`sample sample-${index + 1}`}>
          <Code block={sample} label={`${sample.label}: the token, then the call`} />
        </div>
      ))}
      <div className="code-foot">
        <CopyButton label="Copy sample" />
        <span className="code-note" data-fill-note="">
          Uses YOUR_CLIENT_ID until you sign in.
        </span>
      </div>
    </figure>
  )
}
