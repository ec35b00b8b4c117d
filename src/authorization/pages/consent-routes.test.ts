import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sealNumber } from '#consent'
import { fieldsOf, type TestAnswer, testPages } from './testing.ts'

const link = (token: string): string => `/production/consent?t=${token}`

async function opened(t: Parameters<typeof testPages>[0]) {
  const world = await testPages(t)
  const { directory, platform, request } = world
  const sealedNumber = sealNumber(platform.sealing, 'production', '+99012345642')
  const { token } = await directory.beginCapture(request({ channel: 'ciba', sealedNumber }))
  const browser = world.browser()
  return {
    ...world,
    newBrowser: world.browser,
    token,
    browser,
    decide: () => directory.decide(world.question),
    recordOf: async () => (await directory.listOf('production', world.question.subject))[0],
  }
}

/** A link that a partner got over consent-info. */
async function openedByPartner(t: Parameters<typeof testPages>[0]) {
  const world = await testPages(t)
  const { directory, platform, request, sent } = world
  const sealedNumber = sealNumber(platform.sealing, 'production', '+99012345678')
  const returnTo = 'https://taxi.example/back?a=1'
  const { token } = await directory.beginCapture(
    request({ channel: 'capture-url', sealedNumber, returnTo }),
  )
  const own = world.browser()
  const askForCode = async () => {
    const start = await own.get(link(token))
    const sending = await own.post(`${post}/code`, fieldsOf(start, `${post}/code`))
    return await own.get(String(sending.headers.location))
  }
  const prove = async () => {
    const entry = await askForCode()
    const until = Date.now() + 30_000
    while (sent.length === 0 && Date.now() < until) await new Promise(setImmediate)
    const code = /\d{6}/.exec(sent.at(-1)?.text ?? '')?.[0] ?? ''
    return await own.post(`${post}/session`, { ...fieldsOf(entry, `${post}/session`), code })
  }
  return { ...world, token, own, askForCode, prove }
}

const post = '/production/consent'
const statuses = (answers: readonly TestAnswer[]) => answers.map(({ status }) => status)

describe('the page behind a consent link', () => {
  test('is read any number of times by anybody and decides nothing', async (t) => {
    const { browser, newBrowser, token, decide, recordOf } = await opened(t)
    const scanner = newBrowser({})
    const answers = [await browser.get(link(token)), await scanner.get(link(token))]
    assert.equal((await browser.head(link(token))).text, '')
    assert.deepEqual(statuses(answers), [200, 200])
    assert.match(answers[0]?.text ?? '', /Rides Ltd[\s\S]*\+990 •••• 42/)
    assert.doesNotMatch(answers[0]?.text ?? '', /12345642/)
    assert.equal((await decide()).status, 'required')
    assert.equal((await recordOf())?.state, 'PENDING')
  })

  test('cannot be framed, cached, scripted, or read in an address that goes elsewhere', async (t) => {
    const { browser, token } = await opened(t)
    const { headers } = await browser.get(link(token))
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /script-src|unsafe/)
    assert.equal(headers['x-frame-options'], 'DENY')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['referrer-policy'], 'same-origin')
  })

  test('allow and refuse count once, and loading the result again is harmless', async (t) => {
    const { browser, token, decide } = await opened(t)
    const fields = fieldsOf(await browser.get(link(token)), post)
    const first = await browser.post(post, { ...fields, answer: 'allow' })
    assert.equal(first.status, 303)
    const result = String(first.headers.location)
    for (let i = 0; i < 2; i += 1) assert.match((await browser.get(result)).text, /You allowed it/)
    assert.equal((await decide()).status, 'granted')
    // pressed twice, the second time the other button
    const second = await browser.post(post, { ...fields, answer: 'refuse' })
    assert.match(second.text, /answered already/)
    assert.equal((await decide()).status, 'granted')
    assert.equal((await browser.get(link(token))).status, 404)
  })

  test('of twenty answers at once one counts', async (t) => {
    const { browser, token, decide } = await opened(t)
    const fields = fieldsOf(await browser.get(link(token)), post)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => browser.post(post, { ...fields, answer: 'refuse' })),
    )
    assert.equal(answers.filter(({ status }) => status === 303).length, 1)
    assert.deepEqual(new Set(statuses(answers)), new Set([303, 200]))
    assert.deepEqual(await decide(), { status: 'refused', reason: 'denied' })
  })

  test('an answer after the question has run out decides nothing', async (t) => {
    const { browser, token, decide, clock, recordOf } = await opened(t)
    const fields = fieldsOf(await browser.get(link(token)), post)
    clock.advance(3_600_000)
    const late = await browser.post(post, { ...fields, answer: 'allow' })
    assert.equal(late.headers.location, undefined)
    assert.doesNotMatch(late.text, /answered already|is recorded/)
    assert.match(late.text, /nothing to decide/)
    assert.equal((await decide()).status, 'required')
    assert.equal((await recordOf())?.grantedAt, undefined)
  })

  test('words that change while a page is open: what was read is what was allowed', async (t) => {
    const { browser, token, recordOf, platform, newBrowser } = await opened(t)
    const page = await browser.get(link(token))
    const fields = fieldsOf(page, post)
    const content = { locale: 'en', words: { allow: 'Permit', refuse: 'Not now' } }
    await platform.database.pool.query(
      `insert into consent.text_version (locale, hash, content, source, made_by, made_at)
       values ('en', 'h', $1, 'operator', 'mem_1', now())`,
      [JSON.stringify(content)],
    )
    const other = await newBrowser().get(link(token))
    const changed = fieldsOf(other, post)
    assert.notEqual(changed.text, fields.text)
    // The old page with the new words, and the other way round.
    for (const mixed of [
      { ...fields, text: changed.text ?? '' },
      { ...changed, text: fields.text ?? '' },
    ])
      assert.equal((await browser.post(post, { ...mixed, answer: 'allow' })).status, 403)
    assert.equal((await browser.post(post, { ...fields, answer: 'allow' })).status, 303)
    assert.equal((await recordOf())?.textHash, fields.text)
  })

  test('used, expired, unknown and broken links look alike', async (t) => {
    const { browser, token, clock } = await opened(t)
    const fields = fieldsOf(await browser.get(link(token)), post)
    await browser.post(post, { ...fields, answer: 'allow' })
    const used = await browser.get(link(token))
    const unknown = await browser.get(link('A'.repeat(43)))
    const broken = await browser.get(link('%3Cscript%3E'))
    clock.advance(86_400_000)
    const expired = await browser.get(link(token))
    for (const page of [unknown, broken, expired]) {
      assert.equal(page.status, 404)
      assert.equal(page.text, used.text)
    }
  })

  test('an answer from elsewhere decides nothing', async (t) => {
    const { browser, newBrowser, token, decide } = await opened(t)
    const fields = { ...fieldsOf(await browser.get(link(token)), post), answer: 'allow' }
    const other = newBrowser()
    await other.get(link(token))
    const refused = await Promise.all([
      other.post(post, fields),
      newBrowser().post(post, fields),
      browser.post(post, fields, { origin: 'https://evil.example' }),
      browser.post(post, fields, { origin: 'null' }),
      browser.post(post, fields, { 'sec-fetch-site': 'cross-site' }),
      browser.post(post, fields, { 'sec-fetch-site': 'same-site' }),
      browser.post(post, fields, { 'sec-fetch-dest': 'iframe' }),
      browser.post(post, fields, { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }),
      browser.post(post, { ...fields, form_token: '' }),
      browser.post(post, { ...fields, locale: 'fr' }),
      browser.post(post, { ...fields, text: 'another text' }),
    ])
    assert.deepEqual(new Set(statuses(refused)), new Set([403]))
    assert.equal((await browser.post(post, { ...fields, answer: 'yes' })).status, 400)
    assert.equal((await decide()).status, 'required')
  })

  test('is not loaded in the background or into a frame', async (t) => {
    const { browser, token } = await opened(t)
    for (const headers of [
      { 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' },
      { 'sec-purpose': 'prefetch;prerender' },
      { purpose: 'prefetch' },
    ] as Record<string, string>[]) {
      const page = await browser.get(link(token), headers)
      assert.equal(page.status, 403)
      assert.doesNotMatch(page.text, /<form/)
    }
  })

  test('speaks the language of its reader, and another one when asked', async (t) => {
    const { browser, token } = await opened(t)
    const german = await browser.get(link(token), { 'accept-language': 'de-AT,en;q=0.5' })
    assert.match(german.text, /<html lang="de"/)
    assert.match(german.text, /Ablehnen[\s\S]*Erlauben|Erlauben[\s\S]*Ablehnen/)
    const french = await browser.get(`${link(token)}&locale=fr`, { 'accept-language': 'de' })
    assert.match(french.text, /<html lang="fr"/)
    const fields = fieldsOf(french, post)
    const done = await browser.post(post, { ...fields, answer: 'allow' })
    const result = await browser.get(String(done.headers.location), { 'accept-language': 'de' })
    assert.match(result.text, /Vous avez autorisé/)
  })

  test('leads back to the application that asked by its own page, and to nothing else', async (t) => {
    const { directory, browser, own, token, prove } = await openedByPartner(t)
    await prove()
    // As much as a signed state of a partner may be.
    const state = `x%26y${'z%20'.repeat(1_000)}`
    const fields = fieldsOf(await own.get(`${link(token)}&state=${state}`), post)
    const done = await own.post(post, { ...fields, answer: 'refuse' })
    const page = await own.get(String(done.headers.location))
    const back = `https://taxi.example/back?a=1&amp;capture_result=denied&amp;state=${state}`
    assert.ok(page.text.includes(`0;url=${back}"`), page.text)
    assert.equal(await directory.openCapture(token), undefined)
    const stranger = await browser().get(String(done.headers.location))
    assert.equal(stranger.status, 404)
    assert.doesNotMatch(stranger.text, /taxi/)
  })

  test('leads back also when nobody answered in time, and tells that it ran out', async (t) => {
    const { own, token, prove, clock, question, directory } = await openedByPartner(t)
    const back = 'https://taxi.example/back?a=1&amp;capture_result=timeout&amp;state=x%26y'
    await prove()
    const fields = fieldsOf(await own.get(`${link(token)}&state=x%26y`), post)
    clock.advance(3_600_000)
    const opened = await own.get(`${link(token)}&state=x%26y`)
    const late = await own.post(post, { ...fields, answer: 'allow' })
    for (const page of [opened, late]) assert.ok(page.text.includes(`0;url=${back}"`), page.text)
    assert.equal((await own.get(link(token).replace('production', 'sandbox'))).status, 404)
    assert.equal((await directory.decide(question)).status, 'required')
    clock.advance(86_400_000)
    const old = await own.get(`${link(token)}&state=x%26y`)
    assert.deepEqual([old.status, old.text.includes('taxi')], [404, false])
  })

  test('leads back also from a number that cannot be asked here', async (t) => {
    const { directory, request, platform, browser } = await openedByPartner(t)
    const sealedNumber = sealNumber(platform.sealing, 'production', '+88212345678')
    const abroad = await directory.beginCapture(
      request({
        ...{ channel: 'capture-url', subject: 'somebody abroad', sealedNumber },
        returnTo: 'app://back',
      }),
    )
    const page = await browser().get(`${link(abroad.token)}&state=1`)
    assert.ok(page.text.includes('0;url=app://back?capture_result=error&amp;state=1"'), page.text)
  })

  test('whoever has a partner’s link sees and answers nothing before a code to the phone', async (t) => {
    const { own, token, askForCode, prove, question, directory, sent } = await openedByPartner(t)
    const state = async () => (await directory.listOf('production', question.subject))[0]?.state
    const first = await own.get(link(token))
    assert.equal(first.status, 200)
    assert.doesNotMatch(first.text, /name="answer"|12345678/)
    const entry = await askForCode()
    const wrong = { ...fieldsOf(entry, `${post}/session`), code: '000000' }
    const refused = await own.post(`${post}/session`, wrong)
    assert.ok(refused.status === 400 || sent.some(({ text }) => text.includes('000000')))
    assert.doesNotMatch((await own.get(link(token))).text, /name="answer"/)
    assert.equal(await state(), 'PENDING')
    assert.equal((await prove()).status, 303)
    assert.equal(await state(), 'REQUESTED')
    assert.equal(sent.at(-1)?.phoneNumber, '+99012345678')
    const page = await own.get(link(token))
    const done = await own.post(post, { ...fieldsOf(page, post), answer: 'allow' })
    assert.equal(done.status, 303)
    assert.equal((await directory.decide(question)).status, 'granted')
  })

  test('a number that is no subscriber’s of this operator gets no code, whoever named it', async (t) => {
    const { directory, request, platform, browser, token, sent } = await openedByPartner(t)
    const sealedNumber = sealNumber(platform.sealing, 'production', '+88212345678')
    const abroad = await directory.beginCapture(
      request({ channel: 'capture-url', subject: 'somebody abroad', sealedNumber }),
    )
    const own = browser()
    assert.equal((await own.get(link(abroad.token))).status, 404)
    // the form of another link, sent for this one
    const fields = fieldsOf(await own.get(link(token)), `${post}/code`)
    await own.post(`${post}/code`, { ...fields, t: abroad.token })
    await new Promise(setImmediate)
    assert.deepEqual(sent, [])
  })

  test('a proof for another number opens no link', async (t) => {
    const { directory, request, platform, own, prove } = await openedByPartner(t)
    await prove()
    const other = await directory.beginCapture(
      request({
        channel: 'capture-url',
        subject: 'somebody else',
        sealedNumber: sealNumber(platform.sealing, 'production', '+99087654321'),
      }),
    )
    assert.doesNotMatch((await own.get(link(other.token))).text, /name="answer"/)
  })

  test('a question of the code flow cannot be answered by its token alone', async (t) => {
    const { directory, request, browser } = await testPages(t)
    const { token } = await directory.beginCapture(request({ channel: 'authorization' }))
    assert.equal((await browser().get(link(token))).status, 404)
  })

  test('a form of another type, twice the same field, or without end is refused', async (t) => {
    const { browser } = await opened(t)
    const type = await browser.post(post, {}, { 'content-type': 'application/json' })
    const long = await browser.post(post, { t: 'x'.repeat(20_000) })
    assert.deepEqual(statuses([type, long]), [415, 413])
  })

  test('a link of production means nothing in the sandbox', async (t) => {
    const { browser, token } = await opened(t)
    const page = await browser.get(`/sandbox/consent?t=${token}`)
    assert.equal(page.status, 404)
  })
})

test('a fault of ours is a page that tells nothing but where to ask', async (t) => {
  const { browser, token, platform } = await opened(t)
  await platform.database.pool.query('alter table consent.capture rename to hidden_capture')
  const page = await browser.get(link(token))
  assert.equal(page.status, 500)
  assert.match(page.text, /failed on our side[\s\S]*test-correlator/)
  assert.doesNotMatch(page.text, /relation|consent\.capture/)
})
