import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { portalUnderTest } from './testing.ts'

type Under = Awaited<ReturnType<typeof portalUnderTest>>

const check = {
  apiId: 'sim-swap/v2',
  operationId: 'checkSimSwap',
  body: { phoneNumber: '+99010000001' },
}

describe('the explorer', () => {
  let under: Under
  const cleanUps: (() => Promise<void> | void)[] = []
  before(async () => {
    under = await portalUnderTest({ after: (cleanUp) => cleanUps.push(cleanUp) })
  })
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })
  beforeEach(async () => {
    under.issuer.seen.length = 0
    under.gateway.seen.length = 0
    await under.platform.database.pool.query('delete from platform.attempt_count')
  })

  test('gets a token with an assertion and makes the call, as a guest and in the open', async () => {
    const { status, body } = await under.post('/try-it', { ...check, correlator: 'my-own:1' })
    assert.equal(status, 200)
    const [token] = under.issuer.seen
    const form = new URLSearchParams(token?.body)
    assert.equal(token?.url, '/sandbox/token')
    assert.equal(form.get('grant_type'), 'client_credentials')
    assert.equal(form.get('scope'), 'sim-swap:check')
    assert.match(form.get('client_assertion') ?? '', /^ey[\w-]+\.[\w-]+\.[\w-]+$/)
    const [call] = under.gateway.seen
    assert.equal(`${call?.method} ${call?.url}`, 'POST /sim-swap/v2/check')
    assert.equal(call?.headers.authorization, 'Bearer secret-token-0123456789')
    assert.equal(call?.headers['x-correlator'], 'my-own:1')
    assert.deepEqual(JSON.parse(call?.body ?? ''), check.body)
    assert.equal(body.as, 'guest')
    assert.equal(body.call.status, 200)
    assert.equal(body.call.correlator, 'my-own:1')
    assert.equal(body.call.exchangeId, 'exc_00000000000000000001')
    assert.match(body.curl, /YOUR_CLIENT_ID/)
  })

  test('counts visitors without keeping their addresses', async () => {
    await under.post('/try-it', check)
    const { rows } = await under.platform.database.pool.query(
      'select key from platform.attempt_count',
    )
    assert.equal(rows.length, 1)
    assert.doesNotMatch(JSON.stringify(rows), /127\.0\.0\.1|::1/)
  })

  test('shows neither the token nor the assertion', async () => {
    const { body } = await under.post('/try-it', check)
    const assertion = new URLSearchParams(under.issuer.seen[0]?.body).get('client_assertion') ?? '-'
    const shown = JSON.stringify(body)
    assert.ok(!shown.includes('secret-token-0123456789'))
    assert.ok(!shown.includes(assertion))
    assert.ok(!shown.includes(assertion.split('.')[2] ?? '-'))
  })

  test("calls as the reader's own sandbox application", async () => {
    const { cookie, application, credentials } = await under.signUp()
    const { status, body } = await under.post(
      '/try-it',
      { ...check, applicationId: application.id },
      { cookie },
    )
    assert.equal(status, 200)
    assert.equal(body.as, 'application')
    assert.equal(
      new URLSearchParams(under.issuer.seen[0]?.body).get('client_id'),
      credentials.clientId,
    )
  })

  test("another partner's application answers exactly as one that does not exist, and nothing is called", async () => {
    const mine = await under.signUp()
    const other = await under.signUp()
    const asked = async (applicationId: string, cookie?: string) => {
      const { status, body } = await under.post(
        '/try-it',
        { ...check, applicationId },
        cookie === undefined ? {} : { cookie },
      )
      return { status, body }
    }
    const absent = await asked('app_00000000000000000000', mine.cookie)
    assert.equal(absent.status, 404)
    assert.deepEqual(await asked(other.application.id, mine.cookie), absent)
    assert.deepEqual(await asked(mine.application.id), absent)
    assert.deepEqual([under.issuer.seen.length, under.gateway.seen.length], [0, 0])
  })

  test('a production application is refused: no assertion is made for it', async () => {
    const { cookie, application } = await under.signUp()
    await under.platform.database.pool.query(
      `update partners.application set environment = 'production' where id = $1`,
      [application.id],
    )
    const { status } = await under.post(
      '/try-it',
      { ...check, applicationId: application.id },
      { cookie },
    )
    assert.equal(status, 404)
    assert.equal(under.issuer.seen.length, 0)
  })

  test('a visitor has twenty calls in a quarter of an hour, also when they come at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => under.post('/try-it', check)),
    )
    const refused = answers.filter((a) => a.status === 429)
    assert.equal(refused.length, 5)
    assert.ok(Number(refused[0]?.headers.get('retry-after')) > 0)
    assert.equal(under.gateway.seen.length, 20)
  })

  test('an unknown operation is not there, and what is no parameter is refused with all faults', async () => {
    assert.equal((await under.post('/try-it', { ...check, apiId: 'sim-swap/v9' })).status, 404)
    assert.equal(
      (await under.post('/try-it', { ...check, operationId: 'constructor' })).status,
      404,
    )
    const { status, body } = await under.post('/try-it', {
      ...check,
      parameters: {
        authorization: 'Bearer mine',
        host: 'evil.example',
        url: 'http://evil.example',
      },
    })
    assert.equal(status, 400)
    assert.equal(body.violations.length, 3)
    assert.equal(under.issuer.seen.length, 0)
  })

  test('a body that is too large is refused', async () => {
    const { status, body } = await under.post('/try-it', {
      ...check,
      body: { phoneNumber: 'x'.repeat(70_000) },
    })
    assert.equal(status, 413)
    assert.equal(body.code, 'PAYLOAD_TOO_LARGE')
  })

  test('a refused token is shown, and no call is made', async () => {
    under.issuer.behave((_seen, response) => {
      response
        .writeHead(401, { 'content-type': 'application/json' })
        .end('{"error":"invalid_client","error_description":"unknown"}')
    })
    const { status, body } = await under.post('/try-it', check)
    assert.equal(status, 200)
    assert.equal(body.token.status, 401)
    assert.equal(body.token.error, 'invalid_client: unknown')
    assert.equal(body.call, undefined)
    assert.equal(under.gateway.seen.length, 0)
    under.issuer.behave((_seen, response) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"access_token":"t","expires_in":600}')
    })
  })

  test('a redirect is an answer and is not followed', async () => {
    under.gateway.behave((_seen, response) => {
      response.writeHead(302, { location: `${under.base}/management/v1/session` }).end()
    })
    const { body } = await under.post('/try-it', check)
    assert.equal(body.call.status, 302)
    assert.equal(under.gateway.seen.length, 1)
  })

  test('an answer that is too long, broken off, or not text at all does no harm', async () => {
    under.gateway.behave((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('y'.repeat(1_000_000))
    })
    const long = await under.post('/try-it', check)
    assert.equal(long.status, 200)
    assert.ok(long.body.call.body.length < 300_000)
    under.gateway.behave((_seen, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"swap')
      response.destroy()
    })
    const broken = await under.post('/try-it', check)
    assert.equal(broken.status, 200)
    assert.equal(broken.body.call.status, 502)
    under.gateway.behave((_seen, response) => {
      response.writeHead(200).end(Buffer.from([0xff, 0xfe, 0x00]))
    })
    assert.equal((await under.post('/try-it', check)).status, 200)
  })

  test('a change that comes from another site is refused', async () => {
    const { status } = await under.post('/try-it', check, { origin: 'https://evil.example' })
    assert.equal(status, 403)
  })
})
