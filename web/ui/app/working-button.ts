import { type ComponentProps, createElement, type ReactNode } from 'react'

/**
 * The element of every button. One that works on something would be disabled for that time, and a browser takes the focus
 * from what is disabled: whoever uses the keyboard is then lost, and a dialog that it opens has nobody to give the focus back
 * to. So it stays where it is, says that it is of no use now, and does nothing.
 */
export function WorkingButton({
  disabled = false,
  type = 'button',
  onClick,
  ...rest
}: ComponentProps<'button'> & { 'data-loading'?: boolean }): ReactNode {
  const works = rest['data-loading'] === true
  // biome-ignore lint/a11y/useButtonType: it is what the button was given, and `button` without
  return createElement('button', {
    ...rest,
    type,
    ...(works ? { 'aria-disabled': true, onClick: refuse } : { disabled, onClick }),
  })
}

/** Also keeps a form from being sent again. */
const refuse = (event: { preventDefault: () => void; stopPropagation: () => void }): void => {
  event.preventDefault()
  event.stopPropagation()
}
