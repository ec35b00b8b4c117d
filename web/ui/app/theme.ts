import {
  type CSSVariablesResolver,
  createTheme,
  type MantineColorScheme,
  type MantineColorSchemeManager,
} from '@mantine/core'
import { cookieOfTheme, themeFromCookie } from '../theme-choice.ts'
import { WorkingButton } from './working-button.ts'

/** The same values as the public pages: the library's own variables point at the tokens. */
export const theme = createTheme({
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  primaryColor: 'brand',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.7rem' }, h2: { fontSize: '1.2rem' } },
  },
  colors: {
    brand: [
      '#eef3ff',
      '#dce6ff',
      '#b9ccff',
      '#93b2ff',
      '#6f96f6',
      '#547fec',
      '#3c66d9',
      '#2450c4',
      '#1c41a5',
      '#163484',
    ],
  },
  components: {
    Button: { defaultProps: { component: WorkingButton } },
    Anchor: { defaultProps: { underline: 'always' } },
    Checkbox: { defaultProps: { size: 'md' } },
    Modal: {
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.45 },
        // A page has one banner: the head of a dialog is none.
        attributes: { header: { role: 'presentation' } },
      },
    },
  },
})

const shared = {
  '--mantine-color-body': 'var(--page)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--text-soft)',
  '--mantine-color-placeholder': 'var(--text-soft)',
  '--mantine-color-anchor': 'var(--brand)',
  '--mantine-color-error': 'var(--bad)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--surface-soft)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-brand-light': 'var(--brand-soft)',
  '--mantine-color-brand-light-color': 'var(--brand)',
  '--table-border-color': 'var(--line)',
}

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: shared,
  dark: shared,
})

/** The cookie that the public pages and the server read as well. */
export function cookieColorScheme(): MantineColorSchemeManager {
  const read = (): MantineColorScheme => {
    const choice = themeFromCookie(document.cookie)
    return choice === 'system' ? 'auto' : choice
  }
  return {
    get: read,
    set: (value) => {
      const choice = value === 'auto' ? 'system' : value
      // biome-ignore lint/suspicious/noDocumentCookie: the cookie store is not in every browser yet
      document.cookie = cookieOfTheme(choice)
      if (choice === 'system') delete document.documentElement.dataset.theme
      else document.documentElement.dataset.theme = choice
    },
    subscribe: () => undefined,
    unsubscribe: () => undefined,
    clear: () => undefined,
  }
}
