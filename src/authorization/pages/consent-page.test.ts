import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Notice } from '#consent'
import { consentPage } from './consent-page.ts'
import { errorPage } from './error-page.ts'
import { html, named } from './html.ts'
import { acceptedLocales, directionOf, languageOf, languages, ownNameOf } from './languages.ts'
import { documentOf, type Page, type PageHouse } from './page.ts'
import { codePage, signInPage } from './privacy-pages.ts'
import { maskedNumber } from './show-number.ts'
import { wordsOf } from './words.ts'

const house: PageHouse = {
  operatorName: 'Example Mobile',
  environment: 'production',
  url: 'https://auth.example.com/production',
}
const notice = (changes: Partial<Notice> = {}): Notice => ({
  locale: 'en',
  title: 'Taxi asks for your permission',
  who: 'Taxi of Rides Ltd asks to use data.',
  what: [{ scope: 'location-verification:verify', label: 'Whether you are at a place' }],
  why: {
    purpose: 'dpv:FraudPreventionAndDetection',
    label: 'Preventing fraud',
    explanation: 'To notice fraud.',
  },
  howLong: 'It holds for 30 days, or until you withdraw it.',
  withdrawal: 'At any time on the privacy page.',
  allow: 'Allow',
  refuse: 'Refuse',
  ...changes,
})
const documentFor = (
  about: { partner?: string; application?: string; notice?: Notice; maskedNumber?: string } = {},
): string =>
  documentOf(
    house,
    consentPage(
      house,
      {
        notice: about.notice ?? notice(),
        partner: { id: 'prt_1', name: about.partner ?? 'Rides Ltd' },
        application: { id: 'app_1', name: about.application ?? 'Taxi' },
        locales: ['de', 'en', 'es', 'fr'],
      },
      { action: '/production/consent', fields: { form_token: 'a"b' } },
      { maskedNumber: about.maskedNumber, languageLink: (locale) => `?locale=${locale}` },
    ),
  )

describe('the consent page', () => {
  test('says who, what, why, how long and how to withdraw', () => {
    const page = documentFor({ maskedNumber: '+990 •••• 42' })
    for (const part of [
      'Rides Ltd',
      'Taxi',
      'Whether you are at a place',
      'Preventing fraud',
      'To notice fraud.',
      'It holds for 30 days',
      'At any time on the privacy page.',
      '+990 •••• 42',
    ])
      assert.ok(page.includes(part), part)
  })

  test('both answers are one kind of button, none is chosen, and no script is there', () => {
    const page = documentFor()
    const buttons = [...page.matchAll(/<button[^>]*>/g)].map(([text]) => text)
    assert.deepEqual(buttons, [
      '<button name="answer" value="refuse">',
      '<button name="answer" value="allow">',
    ])
    assert.doesNotMatch(page, /<script|checked|autofocus|onclick|type="checkbox"/)
  })

  test('is all there is to load, and no more than 30 kB', () => {
    const page = documentFor()
    assert.ok(Buffer.byteLength(page) < 30_000)
    assert.ok(gzipSync(page).length < 6_000)
    assert.doesNotMatch(page, /<(link|img|script|iframe|object)\b|url\(/)
  })

  test('whatever a partner calls itself, the page has the same elements', () => {
    const shape = (page: string) => [...page.matchAll(/<\/?[a-z0-9]+/g)].map(([tag]) => tag)
    const expected = shape(documentFor())
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), hostile),
        fc.oneof(fc.string(), hostile),
        (partner, application) => {
          const who = `${application} of ${partner}`
          const page = documentFor({ partner, application, notice: notice({ title: who, who }) })
          assert.deepEqual(shape(page), expected)
          assert.doesNotMatch(page, /[\u202a-\u202e\u2066-\u2069]/)
        },
      ),
    )
  })

  test('a name that mixes alphabets to look like another one is told as such', () => {
    for (const partner of ['Ex\u0430mple Bank', 'p\u0430ypal', 'T\u0391XI', 'Ｂ\u0430nk'])
      assert.match(documentFor({ partner }), /mixes letters of several alphabets/, partner)
    for (const partner of [
      'Example Bank',
      '\u0411\u0430\u043d\u043a Example',
      'Müller & Søn',
      '株式会社 ABC',
      'بنك Example',
    ])
      assert.doesNotMatch(documentFor({ partner }), /mixes letters/, partner)
  })

  test('runs from right to left in a language that does', () => {
    const page = documentFor({ notice: notice({ locale: 'ar' }) })
    assert.match(page, /<html lang="ar" dir="rtl">/)
    // What is not written in that language says so, and runs its own way.
    assert.match(page, /<h2 lang="en" dir="auto">Why<\/h2>/)
    assert.doesNotMatch(documentFor(), /<h2 lang=/)
    assert.equal(directionOf('en-GB'), 'ltr')
  })
})

const hostile = fc.constantFrom(
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '</bdi></h1><h1>Your bank',
  '\u202eknab ruoY',
  `Z${'\u0351'.repeat(500)}`,
  'a'.repeat(5_000),
  '{partner}',
  '&lt;b&gt;',
  '',
)

test('names stay on one line, in their own direction, no longer than a line', () => {
  assert.equal(String(named(' a\n\tb\u202e ')), '<bdi>a b</bdi>')
  assert.equal(String(named('x'.repeat(100))), `<bdi>${'x'.repeat(79)}…</bdi>`)
  assert.equal(String(named('\u200b')), '<bdi>—</bdi>')
  assert.equal(String(html`<p title="${`"'<>&\``}">`), '<p title="&quot;&#39;&lt;&gt;&amp;&#96;">')
})

test('the reader’s language is chosen by weight, and nonsense in the header is passed over', () => {
  assert.deepEqual(acceptedLocales('fr;q=0.3, de-AT, *;q=0.5, es;q=0, x y, en;q=0.8'), [
    'de-AT',
    'en',
    'fr',
  ])
  assert.equal(languageOf(['pt', 'de-AT']), 'de')
  assert.equal(languageOf(['tlh']), 'en')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (header) => {
      assert.ok(languages.includes(languageOf(acceptedLocales(header))))
    }),
  )
})

test('a language is offered by its own name, also one that an operator added', () => {
  assert.deepEqual(['en', 'de', 'fr', 'es', 'pt-BR', 'ar', 'qaa'].map(ownNameOf), [
    'English',
    'Deutsch',
    'Français',
    'Español',
    'Português (Brasil)',
    'العربية',
    'Qaa',
  ])
})

test('every language has every sentence, with the same places', () => {
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).toSorted()
  const english = wordsOf('en')
  for (const language of languages) {
    const words = wordsOf(language)
    for (const [name, sentence] of Object.entries(english)) {
      const translated = words[name as keyof typeof english]
      assert.notEqual(translated, '', `${language} ${name}`)
      assert.deepEqual(places(translated), places(sentence), `${language} ${name}`)
    }
  }
})

test('a field that was filled in wrongly has the focus, is marked, and names what is wrong', () => {
  const fieldOf = ({ body }: Page, id: string): string =>
    new RegExp(`<input id="${id}"[^>]*>`).exec(String(body))?.[0] ?? ''
  const tokens = (): string => 'token'
  const number = (...fault: ['number'] | []): string =>
    fieldOf(signInPage(house, 'en', tokens, ...fault), 'number')
  assert.match(number('number'), /aria-describedby="hint fault" aria-invalid="true" autofocus/)
  assert.doesNotMatch(number(), /invalid|autofocus/)
  const code = (wrong: boolean): string =>
    fieldOf(codePage(house, 'en', tokens, { maskedNumber: '+990 •••• 78' }, wrong), 'code')
  assert.match(code(true), /autofocus aria-invalid="true" aria-describedby="fault"/)
  assert.doesNotMatch(code(false), /invalid/)
})

test('a masked number shows its ends only', () => {
  assert.equal(maskedNumber('+99010000042'), '+990 •••• 42')
  assert.equal(maskedNumber('+12345'), '•••• 45')
})

test('an error page tells what to do, the reference, and quotes what was sent as text', () => {
  const page = documentOf(
    house,
    errorPage('de', {
      status: 400,
      code: 'invalid_request',
      description: 'redirect_uri <script>alert(1)</script> is not registered',
      correlator: 'abc-123',
    }),
  )
  assert.match(page, /nicht angemeldet/)
  assert.match(page, /abc-123/)
  assert.match(page, /&lt;script&gt;/)
  assert.doesNotMatch(page, /<script/)
})
