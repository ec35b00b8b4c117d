import type { ReactNode } from 'react'

/** What may be wider than the page scrolls in itself, also by keyboard (WCAG 2.1.1). */
export function Scroll(options: {
  label: string
  kind: 'table-scroll' | 'code-scroll'
  children: ReactNode
}): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard
    <section className={options.kind} aria-label={options.label} tabIndex={0}>
      {options.children}
    </section>
  )
}
