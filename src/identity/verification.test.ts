import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identityUnderTest } from './testing.ts'

test('a registration is followed by a mail whose link confirms the address once', async (t) => {
  const { call, member, linkTo, identity } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  assert.equal(await identity.hasVerifiedMember(ada.partnerId), false)
  const token = await linkTo('ada@example.com', 'verify-email')
  const confirm = () => call('POST', '/email-verification/confirm', { body: { token } })
  assert.equal((await confirm()).status, 204)
  assert.equal((await confirm()).status, 400)
  assert.equal((await call('GET', '/session', { cookie: ada.cookie })).body.emailVerified, true)
  assert.equal(await identity.hasVerifiedMember(ada.partnerId), true)
  assert.equal(await identity.hasVerifiedMember('prt_other'), false)
})

test('a person may ask for the mail again, so often, and not for somebody else', async (t) => {
  const { call, member, linkTo, operator, identity } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const resend = () => call('POST', '/email-verification', { cookie: ada.cookie })
  assert.equal((await resend()).status, 202)
  const token = await linkTo('ada@example.com', 'verify-email', 2)
  assert.equal((await call('POST', '/email-verification')).status, 401)
  for (let i = 0; i < 4; i += 1) assert.equal((await resend()).status, 202)
  assert.equal((await resend()).status, 429)
  await call('POST', '/email-verification/confirm', { body: { token } })
  assert.equal((await resend()).status, 202, 'a confirmed address needs no mail, and no limit')
  await operator()
  const actor = { kind: 'system', id: 'test' } as const
  const { token: apiToken } = await identity.createToken({
    role: 'partner',
    partnerId: ada.partnerId,
    name: 'ci',
    createdBy: actor,
  })
  assert.equal((await call('POST', '/email-verification', { token: apiToken })).status, 403)
})

test('a malformed confirmation is refused', async (t) => {
  const { call } = await identityUnderTest(t)
  assert.equal((await call('POST', '/email-verification/confirm', { body: {} })).status, 400)
})

test('a link works from the moment that its mail leaves', async (t) => {
  const used = Promise.withResolvers<number>()
  const under = await identityUnderTest(t, {
    whileSending: async ({ text }) => {
      const token = /token=([\w-]+)/.exec(text)?.[1] ?? ''
      used.resolve(
        (await under.call('POST', '/email-verification/confirm', { body: { token } })).status,
      )
    },
  })
  await under.member('ada@example.com')
  assert.equal(await used.promise, 204)
})
