import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cookieOfTheme, nextTheme, themeFromCookie } from './theme-choice.ts'

test('the button goes through all three themes and back', () => {
  assert.equal(nextTheme('system'), 'light')
  assert.equal(nextTheme('light'), 'dark')
  assert.equal(nextTheme('dark'), 'system')
})

test('the cookie that is written is the one that is read', () => {
  for (const theme of ['light', 'dark'] as const)
    assert.equal(themeFromCookie(`a=1; ${cookieOfTheme(theme).split(';', 1)[0]}; b=2`), theme)
  assert.match(cookieOfTheme('system'), /Max-Age=0/)
  for (const other of ['', 'wl_theme=red', 'xwl_theme=dark', 'wl_theme=darker'])
    assert.equal(themeFromCookie(other), 'system')
})
