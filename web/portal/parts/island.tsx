import type { ComponentType, ReactNode } from 'react'
import { renderToString } from 'react-dom/server'

/**
 * A part of a page that comes alive in the browser. It is rendered as a root of its own, because that is how the browser
 * takes it over; its properties travel as data, never as script.
 */
export function Island<P extends object>(options: {
  name: string
  component: ComponentType<P>
  props: P
}): ReactNode {
  const { name, component: Component, props } = options
  const html = renderToString(<Component {...props} />, { identifierPrefix: `${name}-` })
  return (
    <>
      <div
        data-island={name}
        // biome-ignore lint/security/noDangerouslySetInnerHtml: React's own output, of the same component
        dangerouslySetInnerHTML={{ __html: html }}
      />
      <script
        type="application/json"
        data-island-props={name}
        // biome-ignore lint/security/noDangerouslySetInnerHtml: JSON with every "<" escaped
        dangerouslySetInnerHTML={{ __html: JSON.stringify(props).replaceAll('<', '\\u003c') }}
      />
    </>
  )
}
