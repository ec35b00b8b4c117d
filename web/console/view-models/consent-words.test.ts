import assert from 'node:assert/strict'
import { test } from 'node:test'
import { versionText, wordRows } from './consent-words.ts'

const language = {
  locale: 'pt',
  builtIn: false,
  words: { allow: 'Permitir' },
  purposes: { 'dpv:Marketing': { label: 'Marketing', explanation: 'Para anúncios.' } },
  scopes: { 'sim-swap:check': 'Se o cartão foi trocado' },
}
const own = { hash: 'h', madeBy: 'mem_1', madeAt: '2026-03-01T00:00:00Z' }

test('it is told whose words are read in a language', () => {
  assert.equal(versionText({ ...language, builtIn: true }), 'the product')
  assert.equal(versionText({ ...language, builtIn: true, own }), 'the product, changed by mem_1')
  assert.equal(versionText({ ...language, own }), 'mem_1; what is left out is English')
})

test('every sentence, purpose and scope is a line', () => {
  assert.deepEqual(wordRows(language), [
    { name: 'allow', text: 'Permitir' },
    { name: 'dpv:Marketing', text: 'Marketing: Para anúncios.' },
    { name: 'sim-swap:check', text: 'Se o cartão foi trocado' },
  ])
})
