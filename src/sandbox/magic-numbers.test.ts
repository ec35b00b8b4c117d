import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { documentedOperation } from './documented-operation.ts'
import { findSubscriber } from './find-subscriber.ts'
import { magicNumbers } from './magic-numbers.ts'
import { numbersGuide } from './numbers-guide.ts'
import { codeIn, packEntry, packNames, startTestSandbox } from './testing.ts'

const guide = path.join(import.meta.dirname, '..', '..', 'docs', 'guides', 'sandbox-numbers.md')
const remake = `node -e "import('./src/sandbox/numbers-guide.ts').then((m) => process.stdout.write(m.numbersGuide()))" > docs/guides/sandbox-numbers.md`

test('the guide says what the table says', () => {
  assert.equal(readFileSync(guide, 'utf8'), numbersGuide(), `make it again:\n${remake}`)
})

test('every number is of the +990 range, stands once in the table, and is found', () => {
  assert.equal(new Set(magicNumbers.map((s) => s.phoneNumber)).size, magicNumbers.length)
  for (const subscriber of magicNumbers) {
    assert.match(subscriber.phoneNumber, /^\+990[0-9]{2,12}$/)
    assert.equal(findSubscriber(subscriber.phoneNumber), subscriber)
  }
  for (const outside of ['+34666111333', '+99', '+9900', '+9911234567', '+9901234567890123', '']) {
    assert.equal(findSubscriber(outside), undefined, outside)
  }
})

const requests: Record<string, (phoneNumber: string) => [path: string, body: unknown]> = {
  check: (phoneNumber) => ['/sim-swap/v2/check', { phoneNumber }],
  date: (phoneNumber) => ['/sim-swap/v2/retrieve-date', { phoneNumber }],
  verify: (phoneNumber) => [
    '/location-verification/v3/verify',
    {
      device: { phoneNumber },
      area: { areaType: 'CIRCLE', center: { latitude: 38.7, longitude: -9.1 }, radius: 9_000 },
    },
  ],
  send: (phoneNumber) => [
    '/one-time-password-sms/v1/send-code',
    { phoneNumber, message: '{{code}}' },
  ],
}

test('every answer about a documented number is one that the document of the API allows', async (t) => {
  const { call } = await startTestSandbox(t)
  const entries = await Promise.all(packNames.map(packEntry))
  const answering = magicNumbers.filter(
    ({ failure }) => failure === undefined || failure.kind === 'refusal',
  )
  for (const { phoneNumber } of answering) {
    for (const [name, request] of Object.entries(requests)) {
      const [target, body] = request(phoneNumber)
      const reply = await call(target, body)
      const entry = entries.find((e) => target.startsWith(`${e.basePath}/`))
      const operation = entry?.operations.find((o) => target === `${entry.basePath}${o.path}`)
      assert.ok(entry && operation)
      const common = reply.status === 429 || reply.status >= 500
      if (common && !operation.responses.some((r) => r.status === String(reply.status))) continue
      const allowed = documentedOperation(entry, operation).allows(reply.status, reply.body)
      assert.ok(allowed, `${name} ${phoneNumber}: ${reply.status} ${JSON.stringify(reply.body)}`)
    }
  }
})

test('the failures of the table happen, each with its status and the code that the API documents', async (t) => {
  const { call } = await startTestSandbox(t)
  const location = 'LOCATION_VERIFICATION'
  const otp = 'ONE_TIME_PASSWORD_SMS'
  const expected: [suffix: string, request: string, status: number, code: string][] = [
    ['0400', 'check', 400, 'OUT_OF_RANGE'],
    ['0400', 'send', 400, 'INVALID_ARGUMENT'],
    ['0403', 'check', 403, 'PERMISSION_DENIED'],
    ['0404', 'check', 404, 'IDENTIFIER_NOT_FOUND'],
    ['0404', 'verify', 404, 'IDENTIFIER_NOT_FOUND'],
    ['0404', 'send', 404, 'NOT_FOUND'],
    ['1404', 'date', 404, 'NOT_FOUND'],
    ['0422', 'check', 422, 'SERVICE_NOT_APPLICABLE'],
    ['1422', 'verify', 422, 'UNSUPPORTED_IDENTIFIER'],
    ['1422', 'check', 422, 'SERVICE_NOT_APPLICABLE'],
    ['2422', 'verify', 422, `${location}.UNABLE_TO_LOCATE`],
    ['3422', 'verify', 422, `${location}.UNABLE_TO_FULFILL_MAX_AGE`],
    ['4422', 'verify', 422, `${location}.AREA_NOT_COVERED`],
    ['5422', 'verify', 422, `${location}.INVALID_AREA`],
    ['1403', 'send', 403, `${otp}.PHONE_NUMBER_BLOCKED`],
    ['2403', 'send', 403, `${otp}.PHONE_NUMBER_NOT_ALLOWED`],
    ['3403', 'send', 403, `${otp}.MAX_OTP_CODES_EXCEEDED`],
    ['0429', 'check', 429, 'QUOTA_EXCEEDED'],
    ['1429', 'send', 429, 'TOO_MANY_REQUESTS'],
    ['1429', 'verify', 429, 'TOO_MANY_REQUESTS'],
    ['0500', 'check', 500, 'INTERNAL'],
    ['0503', 'date', 503, 'UNAVAILABLE'],
  ]
  for (const [suffix, name, status, code] of expected) {
    const request = requests[name]
    assert.ok(request)
    const reply = await call(...request(`+9901000${suffix}`))
    assert.deepEqual([reply.status, codeIn(reply)], [status, code], `${suffix} ${name}`)
  }
  const undocumented = await call(...(requests.send?.('+99010000422') ?? ['', undefined]))
  assert.equal(undocumented.status, 200, 'One Time Password SMS documents no 422')
})

test('every example that is served is one that its document allows', async () => {
  let examples = 0
  for (const entry of await Promise.all(packNames.map(packEntry))) {
    for (const operation of entry.operations) {
      const documented = documentedOperation(entry, operation)
      for (const { status, body } of operation.examples) {
        if (status === 204) continue
        examples += 1
        assert.ok(
          documented.allows(status, body),
          `${operation.operationId} ${JSON.stringify(body)}`,
        )
      }
    }
  }
  assert.ok(examples > 25)
})
