/**
 * Whoever uses the keyboard goes on where they were. After a refusal that is the first field that is wrong; when what had the
 * focus has gone (the button became another one, the form was made anew), the content of the page.
 */
export function keepPlace(document: Document, refused: boolean): void {
  const { activeElement, body } = document
  if (refused) {
    const within = document.querySelector('[role="dialog"]') ?? document
    within.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  } else if (activeElement === null || activeElement === body)
    document.getElementById('content')?.focus({ preventScroll: true })
}
