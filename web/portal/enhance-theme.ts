import type { Theme } from '#portal/schema'
import { cookieOfTheme, nextTheme, themeFromCookie, themeLabel } from '../ui/theme-choice.ts'

/** The theme button: system, light, dark, and again. */
export function enhanceTheme(): void {
  for (const button of document.querySelectorAll<HTMLElement>('[data-theme-toggle]')) {
    button.addEventListener('click', () => {
      const theme = nextTheme(themeFromCookie(document.cookie))
      // biome-ignore lint/suspicious/noDocumentCookie: the cookie store is not in every browser yet
      document.cookie = cookieOfTheme(theme)
      show(button, theme)
    })
  }
}

function show(button: HTMLElement, theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  button.setAttribute('aria-label', `Theme: ${themeLabel[theme]}. Change`)
  button.title = `Theme: ${themeLabel[theme]}`
}
