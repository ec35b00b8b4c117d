import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { acceptRedirectUri } from './redirect-uri.ts'

const kept = (text: string, environment: 'sandbox' | 'production' = 'production') => {
  const accepted = acceptRedirectUri(text, environment)
  return 'uri' in accepted ? accepted.uri : undefined
}

for (const [text, uri] of [
  ['https://app.example/callback', 'https://app.example/callback'],
  ['https://app.example', 'https://app.example'],
  ['https://app.example/', 'https://app.example/'],
  ['https://app.example:8443/a?b=c%20d', 'https://app.example:8443/a?b=c%20d'],
  ['https://APP.Example/Callback', 'https://app.example/Callback'],
  ['https://bücher.example/zurück', undefined],
  ['https://bücher.example/back', 'https://xn--bcher-kva.example/back'],
  ['http://127.0.0.1:8000/callback', 'http://127.0.0.1:8000/callback'],
  ['http://127.0.0.1/callback', 'http://127.0.0.1/callback'],
  ['http://[::1]:9/callback', 'http://[::1]:9/callback'],
] as const)
  test(`keeps ${text} as ${uri ?? 'nothing'}`, () => {
    assert.equal(kept(text), uri)
  })

test('localhost is for the sandbox, whose programs nobody else runs', () => {
  assert.equal(kept('http://localhost:3000/cb', 'sandbox'), 'http://localhost:3000/cb')
  assert.equal(kept('http://localhost:3000/cb'), undefined)
})

for (const text of [
  ...[
    'http://app.example/',
    'http://127.0.0.2/',
    'http://localhost.example/',
    'HTTPS://a.example/',
  ],
  ...['https://a.example/#x', 'https://a.example/#', 'https://*.example/', 'https://a.example/*'],
  ...[
    'https://u@a.example/',
    'https://u:p@a.example/',
    'https://@a.example/',
    'https://:@a.example/',
  ],
  ...[
    'https://a.example/../b',
    'https://a.example/./b',
    'https://a.example/a b',
    ' https://a.example/',
  ],
  ...[
    'https://a.example:443/',
    'http://127.0.0.1:80/',
    'https://a.example:08443/',
    'https://a.example:/',
  ],
  ...[
    'https://a.example\\@b.example/',
    'https:/a.example/',
    'https:a.example',
    '//a.example/',
    '/cb',
  ],
  ...[
    'javascript:alert(1)',
    'data:text/html,x',
    'com.example.app:/cb',
    'urn:ietf:wg:oauth:2.0:oob',
  ],
  ...[
    'http://2130706433/',
    'http://0x7f.1/',
    'http://127.1/',
    'https://a.example./',
    'https://%61.example/',
  ],
  ...['https://a.example/?code=1', 'https://a.example/?x=1&state=2', 'https://a.example/?iss=x'],
  ...[
    'https://a.example/\n',
    'https://a.exa\tmple/',
    'https://a.example/\u0000',
    '',
    'https://',
    'https:///x',
  ],
  ...['https://a.example/\u202e', 'https://a.example/?q=ü', 'ftp://a.example/'],
])
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.equal(kept(text, 'sandbox'), undefined)
    assert.equal(kept(text), undefined)
  })

test('what is kept is an address that a browser does not change, and is kept again as it is', () => {
  const part = fc.string({ unit: fc.constantFrom(...'ab.-/?#@:%*\\[]=&0127 ü'), maxLength: 20 })
  const texts = fc.tuple(fc.constantFrom('https://', 'http://127.0.0.1', 'https://a.example'), part)
  fc.assert(
    fc.property(texts, ([start, rest]) => {
      const uri = kept(`${start}${rest}`)
      if (uri === undefined) return
      assert.equal(new URL(uri).href.replace(/\/$/, ''), uri.replace(/\/$/, ''))
      assert.equal(kept(uri), uri)
      assert.doesNotMatch(uri, /[#*\\\s]/)
    }),
    { numRuns: 3_000 },
  )
})
