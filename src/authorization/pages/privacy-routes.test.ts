import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { subjectOf } from '#consent'
import { fieldsOf, testPages } from './testing.ts'

const number = '+99012345678'

async function home(...given: Parameters<typeof testPages>) {
  const world = await testPages(...given)
  const { sent, browser } = world
  const ask = async (own = browser(), phoneNumber = number) => {
    const fields = fieldsOf(await own.get('/production/privacy'), '/privacy/code')
    return await own.post('/production/privacy/code', { ...fields, number: phoneNumber })
  }
  const codeSent = async (count: number): Promise<string> => {
    for (const until = Date.now() + 30_000; sent.length < count; await setImmediate())
      assert.ok(Date.now() < until, 'the code was not sent')
    return /\d{6}/.exec(sent.at(-1)?.text ?? '')?.[0] ?? ''
  }
  const enter = async (own: ReturnType<typeof browser>, code: string) => {
    const fields = fieldsOf(await own.get('/production/privacy/code'), '/privacy/session')
    return await own.post('/production/privacy/session', { ...fields, code })
  }
  const signIn = async (own = browser()) => {
    const before = sent.length
    await ask(own)
    const code = await codeSent(before + 1)
    const entered = await enter(own, code)
    assert.equal(entered.status, 303)
    return own
  }
  return { ...world, newBrowser: browser, ask, enter, codeSent, signIn }
}

const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

describe('the privacy page', () => {
  test('opens with the code that was sent to the phone, and shows what is one’s own', async (t) => {
    const { signIn, answer, request } = await home(t)
    await answer(request(), 'allow')
    const own = await signIn()
    const page = await own.get('/production/privacy')
    assert.match(page.text, /\+990 •••• 78[\s\S]*Rides Ltd[\s\S]*location-verification:verify/)
    assert.doesNotMatch(page.text, /12345678/)
  })

  test('withdrawing asks once, works at once and says since when', async (t) => {
    const { signIn, answer, request, directory, question } = await home(t)
    await answer(request(), 'allow')
    const own = await signIn()
    const page = await own.get('/production/privacy')
    const path = /href="[^"]*(\/production\/privacy\/end\?id=cns_[^"]+)"/.exec(page.text)?.[1] ?? ''
    const confirm = await own.get(path)
    assert.equal((await directory.decide(question)).status, 'granted')
    const ended = await own.post('/production/privacy/end', fieldsOf(confirm, '/privacy/end'))
    assert.deepEqual(await directory.decide(question), { status: 'refused', reason: 'withdrawn' })
    assert.match(
      (await own.get(String(ended.headers.location))).text,
      /In effect since 1 March 2026|In effect since March 1, 2026/,
    )
    // pressed twice
    assert.equal(
      (await own.post('/production/privacy/end', fieldsOf(confirm, '/privacy/end'))).status,
      303,
    )
  })

  test('says what was used, when and on what, and a use on a legitimate interest can be objected to and allowed again', async (t) => {
    const { signIn, answer, request, directory, question, uses } = await home(t)
    const decision = await answer(request(), 'allow')
    const use = {
      ...{ partnerId: 'prt_1', partnerName: 'Rides Ltd <b>', applicationId: 'app_production' },
      ...{ applicationName: 'Taxi', calls: 3, lastAt: [new Date('2026-02-28T10:04:00Z')] },
    }
    const purpose = { term: question.purpose, label: 'Fraud prevention' }
    uses.push(
      {
        ...{ ...use, apiId: 'location-verification/v3', api: 'Location verification', purpose },
        basis: 'consent',
        consentIds: decision.status === 'granted' ? decision.consentIds : [],
      },
      {
        ...{ ...use, apiId: 'sim-swap/v2', api: 'Sim swap', purpose, consentIds: [] },
        ...{ basis: 'legitimate-interest', calls: 7 },
      },
      {
        ...{ ...use, apiId: 'one-time-password-sms/v1', api: 'One time password sms' },
        ...{ basis: 'contract', purpose: undefined, consentIds: [] },
      },
    )
    const own = await signIn()
    const { text } = await own.get('/production/privacy')
    const [consented = '', others = ''] = text.split('Used without asking you')
    assert.match(consented, /Location verification: 3×, last on <time [^>]*>February 28, 2026/)
    assert.match(others, /legitimate interest[\s\S]*Sim swap: 7×/)
    assert.match(others, /needed for a contract[\s\S]*One time password sms/)
    assert.doesNotMatch(text, /Rides Ltd <b>/)
    const links = [...text.matchAll(/href="[^"]*(\/production\/privacy\/object\?[^"]+)"/g)]
    assert.equal(links.length, 1, 'only what rests on an interest can be objected to')
    const path = (links[0]?.[1] ?? '').replaceAll('&amp;', '&')
    const decide = () => directory.decide({ ...question, scopes: ['sim-swap:check'] })
    const confirm = await own.get(path)
    assert.equal((await decide()).status, 'granted', 'looking changes nothing')
    const form = fieldsOf(confirm, '/privacy/object')
    for (const other of [{ purpose: 'dpv:Marketing' }, { application: 'app_sandbox' }])
      assert.equal(
        (await own.post('/production/privacy/object', { ...form, ...other })).status,
        403,
      )
    const done = await own.post('/production/privacy/object', form)
    assert.equal((await own.post('/production/privacy/object', form)).status, 303, 'twice is once')
    assert.deepEqual(await decide(), { status: 'refused', reason: 'objected' })
    const list = await own.get(String(done.headers.location))
    assert.match(list.text, /Your objection is recorded/)
    assert.doesNotMatch(list.text, /privacy\/object\?/)
    const lift = /href="[^"]*(\/production\/privacy\/end\?id=cns_[^"]+)">Lift/.exec(list.text)?.[1]
    const sure = await own.get(lift ?? '')
    assert.match(sure.text, /may then use this data again/)
    await own.post('/production/privacy/end', fieldsOf(sure, '/privacy/end'))
    assert.equal((await decide()).status, 'granted')
    uses.length = 0
    assert.equal((await own.post('/production/privacy/object', form)).status, 404, 'no such use')
  })

  test('somebody else’s consent is not there, and cannot be ended', async (t) => {
    const { signIn, answer, request, platform, directory } = await home(t)
    const subject = subjectOf(platform.sealing, 'production', '+99087654321')
    await answer(request({ subject }), 'allow')
    const [theirs] = await directory.listOf('production', subject)
    const own = await signIn()
    const confirm = await own.get(`/production/privacy/end?id=${theirs?.id}`)
    assert.equal(confirm.status, 404)
    assert.doesNotMatch((await own.get('/production/privacy')).text, /Rides Ltd/)
    assert.doesNotMatch((await own.get('/production/privacy/records')).text, /Rides Ltd/)
  })

  test('a code works once, in the browser that asked for it, for five minutes', async (t) => {
    const { ask, enter, codeSent, newBrowser, clock } = await home(t)
    const own = newBrowser()
    await ask(own)
    const code = await codeSent(1)
    const other = newBrowser()
    await ask(other, '+99011111111')
    assert.equal((await enter(other, code)).status, 400)
    const claim = new Map(own.cookies)
    const page = await own.get('/production/privacy/code')
    assert.equal((await enter(own, code)).status, 303)
    for (const [name, value] of claim) own.cookies.set(name, value)
    const again = { ...fieldsOf(page, '/privacy/session'), code }
    assert.equal((await own.post('/production/privacy/session', again)).status, 400)
    const late = newBrowser()
    await ask(late, '+99022222222')
    const lateCode = await codeSent(3)
    const form = fieldsOf(await late.get('/production/privacy/code'), '/privacy/session')
    clock.advance(300_001)
    const expired = await late.post('/production/privacy/session', { ...form, code: lateCode })
    assert.equal(expired.headers.location?.toString().endsWith('/production/privacy'), true)
  })

  test('of a dozen guesses at once five are compared, and then not even the right code helps', async (t) => {
    const { ask, codeSent, newBrowser } = await home(t)
    const own = newBrowser()
    await ask(own)
    const code = await codeSent(1)
    const form = fieldsOf(await own.get('/production/privacy/code'), '/privacy/session')
    const guesses = await Promise.all(
      Array.from({ length: 12 }, () =>
        own.post('/production/privacy/session', { ...form, code: wrong(code) }),
      ),
    )
    assert.ok(guesses.every(({ status }) => status === 400))
    assert.equal((await own.post('/production/privacy/session', { ...form, code })).status, 400)
    const careful = newBrowser()
    await ask(careful)
    const second = await codeSent(2)
    const again = fieldsOf(await careful.get('/production/privacy/code'), '/privacy/session')
    const post = (tried: string) =>
      careful.post('/production/privacy/session', { ...again, code: tried })
    for (let i = 0; i < 4; i += 1) assert.equal((await post(wrong(second))).status, 400)
    assert.equal((await post(second)).status, 303)
  })

  test('of twenty uses of the right code at once one signs in', async (t) => {
    const { ask, codeSent, newBrowser } = await home(t)
    const own = newBrowser()
    await ask(own)
    const code = await codeSent(1)
    const form = fieldsOf(await own.get('/production/privacy/code'), '/privacy/session')
    const uses = await Promise.all(
      Array.from({ length: 20 }, () => own.post('/production/privacy/session', { ...form, code })),
    )
    assert.equal(uses.filter(({ status }) => status === 303).length, 1)
  })

  test('a number gets few codes, and every number gets the same answer', async (t) => {
    const { ask, newBrowser, sent } = await home(t)
    for (let i = 0; i < 4; i += 1) assert.equal((await ask()).status, 303)
    const refused = await ask()
    assert.equal(refused.status, 429)
    assert.match(refused.text, /too many tries/)
    assert.ok(Number(refused.headers['retry-after']) > 0)
    const other = await ask(newBrowser(), '+447700900123')
    assert.equal(other.status, 303)
    assert.ok(sent.length <= 5)
  })

  test('what is no number is said to be none, and stands in no address', async (t) => {
    const { ask, newBrowser } = await home(t)
    for (const bad of ['', '12345', '+0123456', '+990<script>', `+${'9'.repeat(40)}`]) {
      const page = await ask(newBrowser(), bad)
      assert.equal(page.status, 400, bad)
      assert.doesNotMatch(page.text, /<script/)
    }
    const good = await ask(newBrowser(), ' +990 123-456 78 ')
    assert.equal(new URL(String(good.headers.location)).pathname, '/production/privacy/code')
    assert.equal(new URL(String(good.headers.location)).search, '')
  })

  test('a session ends after 15 minutes without use, after an hour, and by signing out', async (t) => {
    const { signIn, clock, newBrowser } = await home(t)
    const idle = await signIn(newBrowser())
    for (let i = 0; i < 4; i += 1) {
      clock.advance(14 * 60_000)
      assert.match((await idle.get('/production/privacy')).text, /Sign out/)
    }
    clock.advance(5 * 60_000)
    assert.match((await idle.get('/production/privacy')).text, /Send a code/)
    const own = await signIn(newBrowser())
    const form = fieldsOf(await own.get('/production/privacy'), '/privacy/sign-out')
    const cookies = new Map(own.cookies)
    await own.post('/production/privacy/sign-out', form)
    for (const [name, value] of cookies) own.cookies.set(name, value)
    assert.match((await own.get('/production/privacy')).text, /Send a code/)
  })

  test('a session is nothing in another browser, and nothing in the other environment', async (t) => {
    const { signIn, newBrowser } = await home(t)
    const own = await signIn()
    const thief = newBrowser()
    await thief.get('/production/privacy')
    const stolen = own.cookies.get('wl_production_session') ?? ''
    thief.cookies.set('wl_production_session', stolen)
    assert.match((await thief.get('/production/privacy')).text, /Send a code/)
    own.cookies.set('wl_sandbox_session', stolen)
    own.cookies.set('wl_sandbox_browser', own.cookies.get('wl_production_browser') ?? '')
    assert.match((await own.get('/sandbox/privacy')).text, /Send a code/)
  })

  test('where no message can be sent, that is said to everybody instead', async (t) => {
    const { ask, newBrowser } = await home(t, { messagesMissing: 'No service is configured.' })
    for (const asked of [number, '+447700900123']) {
      const page = await ask(newBrowser(), asked)
      assert.equal(page.status, 503)
      assert.match(page.text, /No service is configured/)
    }
  })

  test('no form is taken from elsewhere', async (t) => {
    const { newBrowser, sent } = await home(t)
    const own = newBrowser()
    const fields = fieldsOf(await own.get('/production/privacy'), '/privacy/code')
    const form = { ...fields, number }
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-dest': 'iframe' },
    ] as Record<string, string>[])
      assert.equal((await own.post('/production/privacy/code', form, headers)).status, 403)
    assert.equal(
      (await own.post('/production/privacy/code', { ...form, form_token: 'x' })).status,
      403,
    )
    assert.equal((await newBrowser().post('/production/privacy/code', form)).status, 403)
    assert.deepEqual(sent, [])
  })

  test('nothing readable of a number is in the database', async (t) => {
    const { signIn, platform } = await home(t)
    await signIn()
    const { rows } = await platform.database.pool.query(
      `select c::text as row from "authorization".subscriber_code c
       union all select s::text from "authorization".subscriber_session s
       union all select a::text from platform.attempt_count a`,
    )
    assert.ok(rows.length >= 3)
    for (const { row } of rows) assert.doesNotMatch(row, /12345678/)
  })
})
