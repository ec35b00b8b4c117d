import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createNetwork } from '../create-network-authentication.ts'
import { handsetLink } from './handset-ticket.ts'
import { fieldsOf, testPages } from './testing.ts'

async function switchedOn(t: Parameters<typeof testPages>[0]) {
  const world = await testPages(t)
  const own = world.browser()
  const fields = fieldsOf(await own.get('/sandbox/handset'), '/sandbox/handset')
  const answer = await own.post('/sandbox/handset', { ...fields, number: '+99010000002' })
  return { ...world, own, answer }
}

describe('the virtual handset', () => {
  test('a browser becomes a seeded subscriber, as network authentication sees it', async (t) => {
    const { own, answer, platform } = await switchedOn(t)
    assert.equal(answer.status, 303)
    const cookie = `wayleave_handset=${own.cookies.get('wayleave_handset')}`
    assert.doesNotMatch(cookie, /9901/)
    const seen = { headers: { cookie }, socket: {} } as Parameters<
      ReturnType<typeof createNetwork>['identify']
    >[0]
    const sandbox = await createNetwork(platform, 'sandbox').identify(seen)
    assert.equal(sandbox?.phoneNumber, '+99010000002')
    assert.equal(await createNetwork(platform, 'production').identify(seen), undefined)
  })

  test('exists in the sandbox only', async (t) => {
    const { own } = await switchedOn(t)
    for (const path of ['/production/handset', '/production/handset/messages'])
      assert.equal((await own.get(path)).status, 404)
  })

  test('shows messages as text, and makes links of our own addresses only', async (t) => {
    const { own, messages, origin } = await switchedOn(t)
    const text = `<b>Hi</b> ${origin}/sandbox/consent?t=abc. https://evil.example/x ${origin}.evil.example/y`
    messages.push({ id: 'm', text, receivedAt: new Date('2026-03-01T12:00:00Z') })
    const page = await own.get('/sandbox/handset')
    assert.match(page.text, /&lt;b&gt;Hi/)
    const links = [...page.text.matchAll(/<a href="([^"]+)">http/g)].map(([, href]) => href)
    assert.deepEqual(links, [`${origin}/sandbox/consent?t=abc`])
    const list = await own.get('/sandbox/handset/messages', {
      'sec-fetch-site': 'same-origin',
      'sec-fetch-dest': 'empty',
    })
    assert.ok(page.text.includes(list.text))
  })

  test('is switched off, and only by a form of its own', async (t) => {
    const { own, browser } = await switchedOn(t)
    const form = fieldsOf(await own.get('/sandbox/handset'), '/handset/off')
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    assert.equal((await own.post('/sandbox/handset/off', form, foreign)).status, 403)
    assert.equal((await browser().post('/sandbox/handset', { number: '+99010000001' })).status, 403)
    await own.post('/sandbox/handset/off', form)
    assert.equal(own.cookies.has('wayleave_handset'), false)
    assert.equal((await own.get('/sandbox/handset/messages')).status, 403)
  })

  test('nobody becomes a number that is not seeded', async (t) => {
    const { browser } = await switchedOn(t)
    const own = browser()
    const fields = fieldsOf(await own.get('/sandbox/handset'), '/sandbox/handset')
    await own.post('/sandbox/handset', { ...fields, number: '+447700900123' })
    assert.equal(own.cookies.has('wayleave_handset'), false)
  })

  test('a link of the portal opens it for its partner, and only for a while', async (t) => {
    const { browser, platform, clock } = await switchedOn(t)
    const own = browser()
    const link = handsetLink(platform, 'prt_1')
    assert.doesNotMatch(link, /prt_1/)
    await own.get('/sandbox/handset?ticket=x')
    await own.get(`${link.slice(0, -10)}AAAAAAAAAA`)
    assert.equal(own.cookies.has('wl_sandbox_partner'), false)
    assert.equal((await own.get(link)).status, 303)
    assert.equal(own.cookies.has('wl_sandbox_partner'), true)
    const late = browser()
    clock.advance(120_000)
    await late.get(link)
    assert.equal(late.cookies.has('wl_sandbox_partner'), false)
  })
})
