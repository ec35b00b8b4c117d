import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chooseLocale, localesOf } from './choose-locale.ts'
import { builtInTexts, canonicalJson, type LanguageText, layText } from './language-text.ts'
import { nameInText, sealNotice, writeNotice } from './write-notice.ts'

const texts = builtInTexts()
const english = texts.get('en') as LanguageText

test('English, German, French and Spanish say the same things, with the same blanks', () => {
  assert.deepEqual([...texts.keys()].toSorted(), ['de', 'en', 'es', 'fr'])
  const blanks = (text: string) => (text.match(/\{\w+\}/g) ?? []).toSorted()
  for (const text of texts.values()) {
    assert.deepEqual(Object.keys(text.words), Object.keys(english.words), text.locale)
    assert.deepEqual(Object.keys(text.purposes), Object.keys(english.purposes), text.locale)
    assert.deepEqual(Object.keys(text.scopes), Object.keys(english.scopes), text.locale)
    for (const [name, word] of Object.entries(text.words))
      assert.deepEqual(blanks(word), blanks(english.words[name as keyof typeof text.words]), name)
  }
})

const about = {
  applicationName: 'Taxi',
  partnerName: 'Rides Ltd',
  purpose: 'dpv:FraudPreventionAndDetection',
  scopes: ['sim-swap:check', 'made-up:scope'],
  expiresAfterDays: 30,
}

test('a notice says who, what, why and how long, also of scopes and purposes that no text knows', () => {
  const notice = writeNotice(english, about)
  assert.equal(notice.title, 'Taxi asks for your permission')
  assert.match(notice.who, /^Taxi of Rides Ltd /)
  assert.deepEqual(
    notice.what.map(({ label }) => label),
    ['Whether your SIM card was changed lately', 'Data of the service “made-up:scope”'],
  )
  assert.match(notice.howLong, /30 days/)
  const other = writeNotice(english, { ...about, purpose: 'dpv:SellDataToThirdParties' })
  assert.equal(other.why.label, 'Sell data to third parties')
  assert.equal(other.why.explanation, 'Taxi states this purpose: Sell data to third parties.')
})

test('a hostile name is text: nothing is filled in twice, hidden, turned round or longer than a line', () => {
  const hostile = '<script>alert(1)</script>{partner}\u202e\u0000\n\u2066allow'
  const notice = writeNotice(english, { ...about, applicationName: hostile })
  assert.ok(notice.title.startsWith('<script>alert(1)</script>{partner}'))
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
      const clean = nameInText(name)
      assert.ok([...clean].length <= 120)
      assert.doesNotMatch(clean, /[\p{Cc}\p{Cf}\n]/u)
      assert.equal(nameInText(clean), clean)
    }),
  )
})

test('the same notice has the same hash in whatever order it was made; another word has another', () => {
  const notice = writeNotice(english, about)
  const turned = Object.fromEntries(Object.entries(notice).toReversed()) as typeof notice
  assert.equal(sealNotice(turned).hash, sealNotice(notice).hash)
  assert.notEqual(sealNotice({ ...notice, allow: 'OK' }).hash, sealNotice(notice).hash)
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('an operator changes single words and begins languages, whose rest is English', () => {
  const laid = layText(texts, [
    { locale: 'de', words: { allow: 'Zustimmen' } },
    { locale: 'hr', scopes: { 'sim-swap:check': 'Je li SIM promijenjen' } },
  ])
  assert.equal(laid.get('de')?.words.allow, 'Zustimmen')
  assert.equal(laid.get('de')?.words.refuse, 'Ablehnen')
  assert.equal(laid.get('hr')?.scopes['sim-swap:check'], 'Je li SIM promijenjen')
  assert.equal(laid.get('hr')?.words.allow, 'Allow')
})

test('a language is found by its wish, by what the wish is a kind of, or else the fallback', () => {
  const available = ['en', 'de', 'pt-BR']
  const cases: [string[], string][] = [
    [['de-AT'], 'de'],
    [['DE'], 'de'],
    [['pt-br', 'de'], 'pt-BR'],
    [['pt', 'xx'], 'en'],
    [['xx', 'de-Latn-x-private'], 'de'],
    [['../../etc', '<b>', ''], 'en'],
    [[], 'en'],
  ]
  for (const [wishes, found] of cases)
    assert.equal(chooseLocale(wishes, available, 'en'), found, wishes.join())
})

test('Accept-Language is read by weight, and nothing in it breaks it', () => {
  assert.deepEqual(localesOf('fr;q=0.5, de-AT, en;q=0.8, xx;q=0, *;q=0.1'), ['de-AT', 'en', 'fr'])
  assert.deepEqual(localesOf(undefined), [])
  fc.assert(
    fc.property(fc.string({ maxLength: 3_000 }), (text) => {
      assert.ok(localesOf(text).length <= 20)
      assert.ok(['en', 'de'].includes(chooseLocale(localesOf(text), ['en', 'de'], 'en')))
    }),
  )
})
