import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consentMessage } from './consent-message.ts'

const link = 'https://auth.example/production/consent?t=x'
const message = (who: string, locales: readonly string[] = []): string =>
  consentMessage(locales, { operator: 'Operator', who, minutes: 10, link })

test('a message is in the first language that there is, however its tag is written', () => {
  for (const [locales, words] of [
    [['DE-at', 'fr'], /bittet um Ihre/],
    [['pt', 'fr-CH'], /demande votre/],
    [['xx'], /asks for your consent/],
  ] as const)
    assert.match(message('Taxi', locales), words)
})

test('a name is whole letters, of which no link and no sentence can be made', () => {
  assert.match(message('Win! https://evil.example/?a {link}'), /Win https evil example a link asks/)
  const long = message(`a${'\u{10400}'.repeat(60)}`)
  assert.ok(long.isWellFormed(), long)
  assert.match(long, /: a\u{10400}{39} asks/u)
  assert.match(message('!?'), /: - asks/)
})
