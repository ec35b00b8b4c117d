import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#platform/clock'
import { listMessages } from './store.ts'
import type { SandboxTables } from './tables.ts'
import { anApplication, anotherApplication, codeIn, startTestSandbox } from './testing.ts'

const sendPath = '/one-time-password-sms/v1/send-code'
const validatePath = '/one-time-password-sms/v1/validate-code'
const api = 'ONE_TIME_PASSWORD_SMS'
const phoneNumber = '+99010000001'
const message = '{{code}} is your code. Again: {{code}} $& $1'

type Sandbox = Awaited<ReturnType<typeof startTestSandbox>>

async function sendCode(sandbox: Sandbox, to = phoneNumber) {
  const reply = await sandbox.call(sendPath, { phoneNumber: to, message })
  assert.equal(reply.status, 200)
  const { authenticationId } = reply.body as { authenticationId: string }
  const { items } = await listMessages(
    sandbox.platform.database.as<SandboxTables>(),
    { applicationIds: [anApplication], phoneNumber: to },
    { limit: 1, offset: 0 },
  )
  const code = items[0]?.text.slice(0, 6) ?? ''
  assert.equal(items[0]?.text, `${code} is your code. Again: ${code} $& $1`)
  return { authenticationId, code, wrong: code === '000000' ? '111111' : '000000' }
}

test('a code arrives on the handset, works once, and then never again', async (t) => {
  const sandbox = await startTestSandbox(t)
  const { authenticationId, code } = await sendCode(sandbox)
  assert.match(authenticationId, /^[0-9a-f-]{36}$/)
  assert.match(code, /^[0-9]{6}$/)
  const first = await sandbox.call(validatePath, { authenticationId, code })
  assert.deepEqual([first.status, first.body], [204, undefined])
  const second = await sandbox.call(validatePath, { authenticationId, code })
  assert.deepEqual([second.status, codeIn(second)], [400, `${api}.VERIFICATION_EXPIRED`])
})

test('of fifty simultaneous validations of the right code exactly one succeeds', async (t) => {
  const sandbox = await startTestSandbox(t)
  const { authenticationId, code } = await sendCode(sandbox)
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => sandbox.call(validatePath, { authenticationId, code })),
  )
  assert.equal(replies.filter((r) => r.status === 204).length, 1)
  assert.equal(replies.filter((r) => codeIn(r) === `${api}.VERIFICATION_EXPIRED`).length, 49)
})

test('three wrong tries kill a code, also fifty at once, and the right one then fails', async (t) => {
  const sandbox = await startTestSandbox(t)
  const { authenticationId, code, wrong } = await sendCode(sandbox)
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => sandbox.call(validatePath, { authenticationId, code: wrong })),
  )
  assert.equal(replies.filter((r) => codeIn(r) === `${api}.INVALID_OTP`).length, 3)
  assert.equal(replies.filter((r) => codeIn(r) === `${api}.VERIFICATION_FAILED`).length, 47)
  const right = await sandbox.call(validatePath, { authenticationId, code })
  assert.equal(codeIn(right), `${api}.VERIFICATION_FAILED`)
})

test('two wrong tries leave the code alive', async (t) => {
  const sandbox = await startTestSandbox(t)
  const { authenticationId, code, wrong } = await sendCode(sandbox)
  for (const typed of [wrong, `${code}0`]) {
    const reply = await sandbox.call(validatePath, { authenticationId, code: typed })
    assert.equal(codeIn(reply), `${api}.INVALID_OTP`)
  }
  assert.equal((await sandbox.call(validatePath, { authenticationId, code })).status, 204)
})

test('a code expires after ten minutes, and at once where the number says so', async (t) => {
  const clock = manualClock('2026-05-01T10:00:00.000Z')
  const sandbox = await startTestSandbox(t, { clock })
  const early = await sendCode(sandbox)
  const late = await sendCode(sandbox)
  clock.advance(599_999)
  assert.equal((await sandbox.call(validatePath, early)).status, 204)
  clock.advance(1)
  assert.equal(codeIn(await sandbox.call(validatePath, late)), `${api}.VERIFICATION_EXPIRED`)
  const dead = await sendCode(sandbox, '+99010000009')
  assert.equal(codeIn(await sandbox.call(validatePath, dead)), `${api}.VERIFICATION_EXPIRED`)
})

test("another application's code does not exist, nor does an unknown one", async (t) => {
  const sandbox = await startTestSandbox(t)
  const sent = await sendCode(sandbox)
  const foreign = await sandbox.call(validatePath, sent, { application: anotherApplication })
  const unknown = await sandbox.call(validatePath, {
    authenticationId: '3f1c7a52-90be-4c56-8d0a-5b7e2f6f1a90',
    code: '123456',
  })
  const nonsense = await sandbox.call(validatePath, { authenticationId: 'a\u0000b', code: '1' })
  assert.deepEqual([foreign.status, codeIn(foreign)], [404, 'NOT_FOUND'])
  assert.deepEqual(unknown.body, foreign.body)
  assert.deepEqual(nonsense.body, foreign.body)
  assert.equal((await sandbox.call(validatePath, sent)).status, 204)
})

test('an application gets exactly ten codes for a number in ten minutes, however many it asks for at once', async (t) => {
  const clock = manualClock('2026-05-01T10:00:00.000Z')
  const sandbox = await startTestSandbox(t, { clock })
  const send = (application = anApplication, to = phoneNumber) =>
    sandbox.call(sendPath, { phoneNumber: to, message }, { application })
  const replies = await Promise.all(Array.from({ length: 25 }, () => send()))
  assert.equal(replies.filter((r) => r.status === 200).length, 10)
  const refused = replies.filter((r) => r.status === 403)
  assert.equal(refused.length, 15)
  for (const reply of refused) assert.equal(codeIn(reply), `${api}.MAX_OTP_CODES_EXCEEDED`)
  assert.equal((await send(anotherApplication)).status, 200)
  assert.equal((await send(anApplication, '+99010000002')).status, 200)
  clock.advance(600_000)
  assert.equal((await send()).status, 200)
})

test('the text must hold the placeholder, at most 160 characters and nothing that cannot be stored', async (t) => {
  const sandbox = await startTestSandbox(t)
  const send = (body: unknown) => sandbox.call(sendPath, body)
  const bad: unknown[] = [
    { phoneNumber },
    { message },
    { phoneNumber, message: 'no placeholder' },
    { phoneNumber, message: `{{code}}${'x'.repeat(153)}` },
    { phoneNumber, message: '{{code}}\u0000' },
    { phoneNumber, message: 7 },
    { phoneNumber: '+0', message },
    [],
  ]
  for (const body of bad) {
    const reply = await send(body)
    assert.deepEqual([reply.status, codeIn(reply)], [400, 'INVALID_ARGUMENT'], JSON.stringify(body))
  }
  assert.equal((await send({ phoneNumber, message: `{{code}}${'x'.repeat(152)}` })).status, 200)
  assert.equal((await send({ phoneNumber, message: `{{code}}${'🙂'.repeat(152)}` })).status, 200)
  assert.equal((await send({ phoneNumber, message: '{{code}} \ud800 lone surrogate' })).status, 200)
  const outside = await send({ phoneNumber: '+34666111333', message })
  assert.deepEqual([outside.status, codeIn(outside)], [404, 'NOT_FOUND'])
  for (const code of ['', '12345678901', 5, null]) {
    const sent = { authenticationId: '3f1c7a52-90be-4c56-8d0a-5b7e2f6f1a90', code }
    assert.equal((await sandbox.call(validatePath, sent)).status, code === '' ? 404 : 400)
  }
})
