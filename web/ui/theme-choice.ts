import type { Theme } from '#portal/schema'

/** The reader's theme lives in a cookie, because the server renders the first paint. */
export const themeCookie = 'wl_theme'

export const themes: readonly Theme[] = ['system', 'light', 'dark']

export function nextTheme(theme: Theme): Theme {
  return themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system'
}

export function themeFromCookie(cookie: string): Theme {
  const found = new RegExp(`(?:^|;\\s*)${themeCookie}=(light|dark)(?:;|$)`).exec(cookie)
  return (found?.[1] as Theme | undefined) ?? 'system'
}

export function cookieOfTheme(theme: Theme): string {
  const age = theme === 'system' ? 0 : 31_536_000
  return `${themeCookie}=${theme}; Path=/; Max-Age=${age}; SameSite=Lax`
}

export const themeLabel: Record<Theme, string> = {
  system: 'as the system',
  light: 'light',
  dark: 'dark',
}
