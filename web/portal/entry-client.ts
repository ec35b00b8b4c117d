import '@fontsource-variable/inter/wght.css'
import '../ui/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/home.css'
import './styles/pages.css'
import './styles/reference.css'
import './styles/code.css'
import './styles/forms.css'
import './styles/explorer.css'
import './styles/narrow.css'
import { enhanceCode } from './enhance-code.ts'
import { enhanceTheme } from './enhance-theme.ts'

/**
 * What a public page does in the browser. The page is complete without it; React comes only when the page has a part
 * that needs it.
 */
const islands = {
  'try-it': async () => (await import('./islands/try-it.tsx')).TryIt,
  'sign-in': async () => (await import('./islands/sign-in.tsx')).SignIn,
  'account-form': async () => (await import('./islands/account-form.tsx')).AccountForm,
} as const

async function hydrate(element: HTMLElement): Promise<void> {
  const name = element.dataset.island ?? ''
  if (!(name in islands)) return
  const data = document.querySelector(`script[data-island-props="${name}"]`)?.textContent ?? '{}'
  const [{ hydrateRoot }, { createElement }, component] = await Promise.all([
    import('react-dom/client'),
    import('react'),
    islands[name as keyof typeof islands](),
  ])
  const component_ = component as React.ComponentType<object>
  hydrateRoot(element, createElement(component_, JSON.parse(data) as object), {
    identifierPrefix: `${name}-`,
  })
  element.dataset.alive = ''
}

for (const element of document.querySelectorAll<HTMLElement>('[data-island]')) void hydrate(element)

enhanceTheme()
enhanceCode()

const search = async (): Promise<void> => (await import('./islands/search.tsx')).openSearch()
for (const button of document.querySelectorAll('[data-search-open]'))
  button.addEventListener('click', () => void search())
document.addEventListener('keydown', (event) => {
  const target = event.target instanceof HTMLElement ? event.target : undefined
  const typing = target?.closest('input, textarea, select, [contenteditable]') !== null
  const palette = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)
  if (palette || (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey)) {
    event.preventDefault()
    void search()
  }
})
