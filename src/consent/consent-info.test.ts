import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createInternalServer } from '#platform/internal-server'
import { consentInfoHandlers } from './consent-info-handler.ts'
import type { ConsentInfoNeeds } from './retrieve-status.ts'
import { openNumber, subjectOf } from './subject.ts'
import { testConsent } from './testing.ts'

type TestContext = Parameters<typeof testConsent>[0]

const number = '+99012345678'
const callback = 'https://taxi.example/back'

async function served(t: TestContext) {
  const given = await testConsent(t)
  const { consenting, platform } = given
  const client = {
    redirectUris: [callback],
    grants: [] as { purpose?: string; scopes: string[] | '*' }[],
  }
  const needs: ConsentInfoNeeds = {
    scopesOf: async () => [...given.world.bases.keys()],
    clientOf: async (id) => (given.world.applications.has(id) ? client : undefined),
    captureUrl: (environment, token) => `https://op.example/${environment}/consent?t=${token}`,
  }
  const server = createInternalServer({
    host: '127.0.0.1',
    port: 0,
    ready: () => true,
    handlers: consentInfoHandlers(consenting, needs, platform.sealing),
  })
  await server.start()
  t.after(() => server.stop())
  const token = platform.sealing.child('gateway:production').machineToken('platform')
  const ask = async (changes: object, headers: Record<string, string> = {}) => {
    const response = await fetch(
      `http://127.0.0.1:${server.port()}/internal/v1/platform/production/consent-info/v0.2/retrieve`,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'x-wayleave-application': 'app_production',
          ...headers,
        },
        body: JSON.stringify({
          phoneNumber: number,
          scopes: ['location-verification:verify'],
          purpose: 'dpv:FraudPreventionAndDetection',
          requestCaptureUrl: false,
          ...changes,
        }),
      },
    )
    return { status: response.status, body: (await response.json()) as Body }
  }
  return { ...given, client, ask, subject: subjectOf(platform.sealing, 'production', number) }
}

type Body = {
  code?: string
  captureUrl?: string
  statusInfo?: {
    scopes: string[]
    statusValidForProcessing: boolean
    statusReason?: string
    expirationDate?: string
  }[]
}

const reasonOf = ({ body }: { body: Body }) => body.statusInfo?.[0]?.statusReason
const tokenOf = (url = '') => new URL(url).searchParams.get('t') ?? ''

test('a link leads from PENDING over REQUESTED to a status that is valid until its end', async (t) => {
  const { ask, directory, platform } = await served(t)
  const first = await ask({ requestCaptureUrl: true, callbackUrl: callback })
  assert.equal(first.status, 200)
  assert.equal(reasonOf(first), 'PENDING')
  assert.match(
    first.body.captureUrl ?? '',
    /^https:\/\/op\.example\/production\/consent\?t=[\w-]{43}$/,
  )
  assert.doesNotMatch(first.body.captureUrl ?? '', /990/)
  const token = tokenOf(first.body.captureUrl)
  const view = await directory.openCapture(token)
  assert.equal(view?.returnTo, callback)
  assert.equal(openNumber(platform.sealing, 'production', view?.sealedNumber ?? ''), number)
  assert.equal(reasonOf(await ask({})), 'PENDING', 'a link that was opened reached nobody yet')
  await directory.noteReached(token, 'a code to the phone was entered')
  assert.equal(reasonOf(await ask({})), 'REQUESTED')
  await directory.answerCapture(token, 'allow', {
    method: 'one-time-code',
    textHash: view?.textHash ?? '',
    locale: 'en',
  })
  const after = await ask({ requestCaptureUrl: true })
  assert.deepEqual(after.body, {
    statusInfo: [
      {
        scopes: ['location-verification:verify'],
        purpose: 'dpv:FraudPreventionAndDetection',
        statusValidForProcessing: true,
        expirationDate: '2026-03-31T12:00:00.000Z',
      },
    ],
  })
})

test('what was allowed and is over is EXPIRED with its date and a link; what was refused is DENIED without', async (t) => {
  const { ask, answer, request, clock } = await served(t)
  await answer(request(), 'allow')
  clock.advance(31 * 86_400_000)
  const over = await ask({ requestCaptureUrl: true })
  assert.equal(reasonOf(over), 'EXPIRED')
  assert.equal(over.body.statusInfo?.[0]?.expirationDate, '2026-03-31T12:00:00.000Z')
  assert.ok(over.body.captureUrl)
  await answer(request(), 'refuse')
  const denied = await ask({ requestCaptureUrl: true })
  assert.equal(reasonOf(denied), 'DENIED')
  assert.equal(denied.body.captureUrl, undefined)
})

test('scopes of several legal bases are told apart, and a link asks for what is missing only', async (t) => {
  const { ask, directory, question } = await served(t)
  await directory.object(
    { ...question, scopes: ['sim-swap:check'] },
    { kind: 'subscriber', subject: question.subject, channel: 'page', method: 'one-time-code' },
  )
  const { body } = await ask({
    scopes: [
      'sim-swap:check',
      'location-verification:verify',
      'location-retrieval:read',
      'one-time-password-sms:send-validate',
    ],
    requestCaptureUrl: true,
  })
  const told = body.statusInfo?.map((one) => `${one.scopes} ${one.statusReason ?? 'valid'}`)
  assert.deepEqual(told, [
    'location-retrieval:read PENDING',
    'location-verification:verify PENDING',
    'one-time-password-sms:send-validate valid',
    'sim-swap:check OBJECTED',
  ])
  const view = await directory.openCapture(tokenOf(body.captureUrl))
  assert.deepEqual(view?.scopes, ['location-retrieval:read', 'location-verification:verify'])
})

test('a scope that is not offered, not subscribed or not ordered for the purpose is 403', async (t) => {
  const { ask, client } = await served(t)
  const refused = { status: 403, code: 'CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE' }
  const codeOf = async (changes: object, headers = {}) => {
    const { status, body } = await ask(changes, headers)
    return { status, code: body.code }
  }
  assert.deepEqual(await codeOf({ scopes: ['kyc-match:match'] }), refused)
  assert.deepEqual(await codeOf({ scopes: ['no:such'] }), refused)
  assert.deepEqual(await codeOf({}, { 'x-wayleave-application': 'app_gone' }), refused)
  client.grants = [{ purpose: 'dpv:Marketing', scopes: '*' }]
  assert.deepEqual(await codeOf({}), refused)
  client.grants = [
    { purpose: 'dpv:FraudPreventionAndDetection', scopes: ['location-verification:verify'] },
  ]
  assert.deepEqual(await codeOf({}), { status: 200, code: undefined })
})

test('only a registered address is led back to', async (t) => {
  const { ask } = await served(t)
  for (const callbackUrl of [
    'https://taxi.example/back/',
    'https://taxi.example/back?x=1',
    'https://taxi.example.evil.example/back',
    'http://taxi.example/back',
    'javascript:alert(1)',
  ]) {
    const { status, body } = await ask({ requestCaptureUrl: true, callbackUrl })
    assert.deepEqual([status, body.code], [403, 'CONSENT_INFO.INVALID_CALLBACK_URL'], callbackUrl)
  }
})

test('a sixth link in a day is refused, and the next day brings one', async (t) => {
  const { ask, clock } = await served(t)
  for (let i = 0; i < 5; i += 1) assert.equal((await ask({ requestCaptureUrl: true })).status, 200)
  const { status, body } = await ask({ requestCaptureUrl: true })
  assert.deepEqual([status, body.code], [403, 'CONSENT_INFO.CAPTURE_FREQUENCY_EXCEEDED'])
  assert.equal((await ask({})).status, 200, 'the status may be asked for')
  clock.advance(86_400_000)
  assert.equal((await ask({ requestCaptureUrl: true })).status, 200)
})

test('nobody but the gateway of the environment is answered, and numbers that are nobody’s are like others', async (t) => {
  const { ask, platform } = await served(t)
  const other = platform.sealing.child('gateway:sandbox').machineToken('platform')
  for (const authorization of ['', 'Bearer x', `Bearer ${other}`])
    assert.equal((await ask({}, { authorization })).status, 401)
  assert.deepEqual(
    (await ask({ phoneNumber: '+99099999999' })).body,
    (await ask({ phoneNumber: '+99011111111' })).body,
  )
})

test('the subscriber of a token is not named again, and one must be named without', async (t) => {
  const { ask } = await served(t)
  const twice = await ask({}, { 'x-wayleave-subject': number })
  assert.deepEqual([twice.status, twice.body.code], [422, 'UNNECESSARY_IDENTIFIER'])
  const none = await ask({ phoneNumber: undefined })
  assert.deepEqual([none.status, none.body.code], [422, 'MISSING_IDENTIFIER'])
  const token = await ask({ phoneNumber: undefined }, { 'x-wayleave-subject': number })
  assert.equal(token.status, 200)
  for (const bad of [{ scopes: [] }, { purpose: 'Marketing' }, { requestCaptureUrl: 'yes' }])
    assert.equal((await ask(bad)).status, 400)
})
