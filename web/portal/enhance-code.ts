import type { Application } from '#partners/schema'
import { type List, manage } from '../ui/management.ts'
import { keptSecret } from '../ui/secrets.ts'

const languageKey = 'wayleave.language'

/** Copying, the reader's last language, and the reader's own values in the samples. */
export function enhanceCode(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]'))
    button.addEventListener('click', () => void copy(button))
  rememberLanguage()
  if (document.body.dataset.signedIn === 'partner' && document.querySelector('[data-fill]'))
    void fillOwnValues()
}

async function copy(button: HTMLButtonElement): Promise<void> {
  const scope = button.closest('[data-copy-scope]')
  const codes = [...(scope?.querySelectorAll<HTMLElement>('[data-code]') ?? [])]
  const code = codes.find((element) => element.offsetParent !== null)
  const label = button.querySelector('[data-copy-text]')
  if (code === undefined || label === null) return
  const before = label.textContent
  try {
    await navigator.clipboard.writeText(code.textContent?.trimEnd() ?? '')
    label.textContent = 'Copied'
  } catch {
    getSelection()?.selectAllChildren(code)
    label.textContent = 'Press Ctrl+C'
  }
  setTimeout(() => {
    label.textContent = before
  }, 1_600)
}

function rememberLanguage(): void {
  const picks = [...document.querySelectorAll<HTMLInputElement>('[data-samples] input[type=radio]')]
  const last = localStorage.getItem(languageKey)
  const known = picks.find((pick) => pick.value === last)
  if (known !== undefined) known.checked = true
  for (const pick of picks)
    pick.addEventListener('change', () => localStorage.setItem(languageKey, pick.value))
}

async function fillOwnValues(): Promise<void> {
  const { items } = await manage<List<Application>>('GET', '/applications?perPage=100')
  const own = items.filter((a) => a.environment === 'sandbox' && a.state === 'active')
  const secretOf = (a: Application) => keptSecret(sessionStorage, a.clientId)
  const application = own.find((a) => secretOf(a) !== undefined) ?? own[0]
  if (application === undefined) return
  const secret = secretOf(application)
  fill('client-id', application.clientId)
  if (secret !== undefined) fill('client-secret', secret)
  for (const note of document.querySelectorAll('[data-fill-note]')) {
    note.textContent =
      secret === undefined
        ? `With the client id of ${application.name}; put in its secret.`
        : `Ready to run as ${application.name}.`
  }
}

function fill(kind: string, value: string): void {
  for (const place of document.querySelectorAll(`[data-fill="${kind}"]`)) {
    place.textContent = value
    place.classList.add('filled')
  }
}
