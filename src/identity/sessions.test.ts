import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '#platform/clock'
import { createSealing } from '#platform/sealing'
import { createDeviceCookie } from './device-cookie.ts'
import { deviceWords } from './device-words.ts'
import { goodPassword, identityUnderTest } from './testing.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0'
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1'

test('somebody sees where it is signed in, and ends one or all others at once', async (t) => {
  const clock = manualClock('2026-01-05T08:00:00Z')
  const { call, member } = await identityUnderTest(t, { clock })
  const ada = await member('ada@example.com')
  const eve = await member('eve@example.com')
  const body = { email: ada.email, password: goodPassword }
  const cookies: string[] = []
  for (const agent of [firefox, safari]) {
    clock.advance(60_000)
    const headers = { 'user-agent': agent }
    cookies.push((await call('POST', '/session', { body, headers })).cookie ?? '')
  }
  const [onLaptop = '', onPhone = ''] = cookies
  const { items } = (await call('GET', '/sessions', { cookie: onLaptop })).body
  assert.deepEqual(
    items.map((s: { device: string; current: boolean }) => [s.device, s.current]),
    [
      ['Firefox on Linux', true],
      ['Safari on iPhone', false],
      ['A program', false],
    ],
  )
  assert.deepEqual([items[1]?.address, items[1]?.methods], ['127.0.0.1', ['password']])
  assert.equal(items[0].createdAt, '2026-01-05T08:01:00.000Z')
  const url = `/sessions/${items[1]?.id}`
  assert.equal((await call('DELETE', url, eve)).status, 404)
  assert.equal((await call('DELETE', '/sessions/ses_absent', eve)).status, 404)
  assert.equal((await call('GET', '/session', { cookie: onPhone })).status, 200)
  assert.equal((await call('DELETE', url, { cookie: onLaptop })).status, 204)
  assert.equal((await call('GET', '/session', { cookie: onPhone })).status, 401)
  assert.equal((await call('DELETE', '/sessions', { cookie: onLaptop })).status, 204)
  assert.equal((await call('GET', '/session', ada)).status, 401)
  assert.equal((await call('GET', '/session', { cookie: onLaptop })).status, 200)
  assert.equal((await call('GET', '/session', eve)).status, 200)
})

test('strangers who guess keep out strangers: the owner gets in from another network and on a known device', async (t) => {
  const { call, member, platform } = await identityUnderTest(t)
  await member('ada@example.com')
  const right = { email: 'ada@example.com', password: goodPassword }
  const { device = '' } = await call('POST', '/session', { body: right })
  const guess = (cookie?: string) =>
    call('POST', '/session', { body: { ...right, password: 'wrong' }, cookie })
  for (let i = 0; i < 10; i += 1) assert.equal((await guess()).status, 401)
  assert.equal((await guess()).status, 429)
  assert.equal((await call('POST', '/session', { body: right })).status, 429, 'an unknown device')
  for (const forged of [`${device}x`, device.replace(/=../, '=AA'), `${device.split('.')[0]}.`])
    assert.equal((await call('POST', '/session', { body: right, cookie: forged })).status, 429)
  const eve = await member('eve@example.com')
  const { device: hers } = await call('POST', '/session', {
    body: { email: eve.email, password: goodPassword },
  })
  assert.equal((await guess(hers)).status, 429, 'a device of another account is unknown here')
  const known = await call('POST', '/session', { body: right, cookie: device })
  assert.equal(known.status, 201)
  assert.equal(platform.config.portal.url.startsWith('http:'), true)
})

test('nobody sees from the count of guesses that an account is in use', async (t) => {
  const { call, member } = await identityUnderTest(t)
  await member('ada@example.com')
  const right = { email: 'ada@example.com', password: goodPassword }
  const { device } = await call('POST', '/session', { body: right })
  for (const email of [right.email, 'nobody@example.com']) {
    const guess = () => call('POST', '/session', { body: { email, password: 'wrong' } })
    for (let i = 0; i < 10; i += 1) assert.equal((await guess()).status, 401)
    assert.equal((await call('POST', '/session', { body: right, cookie: device })).status, 201)
    assert.equal((await guess()).status, 429, email)
  }
})

test('a known device has ten guesses of its own, not more', async (t) => {
  const { call, member } = await identityUnderTest(t)
  await member('ada@example.com')
  const right = { email: 'ada@example.com', password: goodPassword }
  const { device = '' } = await call('POST', '/session', { body: right })
  const guess = () =>
    call('POST', '/session', { body: { ...right, password: 'wrong' }, cookie: device })
  const statuses = (await Promise.all(Array.from({ length: 15 }, guess))).map((a) => a.status)
  assert.equal(statuses.filter((status) => status === 401).length, 10)
  assert.equal(statuses.filter((status) => status === 429).length, 5)
})

test('whoever sets a new password by mail is known from then on, however many strangers guess', async (t) => {
  const { call, member, linkTo } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const guess = () => call('POST', '/session', { body: { email: ada.email, password: 'wrong' } })
  for (let i = 0; i < 11; i += 1) await guess()
  await call('POST', '/recovery', { body: { email: ada.email } })
  const token = await linkTo(ada.email, 'reset')
  const password = 'copper lantern 77 meadow'
  const { device } = await call('POST', '/recovery/reset', { body: { token, password } })
  const body = { email: ada.email, password }
  assert.equal((await call('POST', '/session', { body })).status, 429)
  assert.equal((await call('POST', '/session', { body, cookie: device })).status, 201)
})

test('a device is known to the person it was marked for and to nobody else, whatever is sent', () => {
  const cookie = createDeviceCookie('https://portal.example', createSealing(Buffer.alloc(32, 7)))
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (one, another, junk) => {
      const own = cookie.set(one).split(';', 1)[0] ?? ''
      assert.match(cookie.read(`a=b; ${own}; c=d`, one) ?? '', /^[\w-]{43}$/)
      if (one !== another) assert.equal(cookie.read(own, another), undefined)
      assert.equal(cookie.read(own, undefined), undefined)
      assert.equal(cookie.read(`__Host-wayleave_device=${junk}`, one), undefined)
      assert.equal(cookie.personOf(`a=b; ${own}; c=d`), one)
      assert.equal(cookie.personOf(`__Host-wayleave_device=${junk}`), undefined)
      const [mark, proof] = own.split('.')
      const swapped = `${mark}.${proof}.${Buffer.from(`${another} `).toString('base64url')}`
      assert.equal(cookie.personOf(swapped), one === `${another} ` ? one : undefined)
    }),
  )
})

test('a device is told in words of ours, whatever a client calls itself', () => {
  const cases: Record<string, string> = {
    [firefox]: 'Firefox on Linux',
    [safari]: 'Safari on iPhone',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0':
      'Edge on Windows',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36':
      'Chrome on macOS',
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36':
      'Chrome on Android',
    'curl/8.14.1': 'curl',
    '': 'A program',
  }
  for (const [agent, words] of Object.entries(cases)) assert.equal(deviceWords(agent), words)
  assert.equal(deviceWords(undefined), 'A program')
  const known =
    /^(?:(?:Edge|Opera|Samsung Internet|Firefox|Chrome|Safari|curl)(?: on (?:iPhone|iPad|Android|ChromeOS|Windows|macOS|Linux))?|iPhone|iPad|Android|ChromeOS|Windows|macOS|Linux|A program)$/
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (agent) => known.test(deviceWords(agent))))
})
