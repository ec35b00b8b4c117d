import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goodPassword } from './testing.ts'
import { SoftAuthenticator } from './testing-authenticator.ts'
import { domain, partnerWithSso } from './testing-sso.ts'

const bob = { sub: 'bob-1', email: `bob@${domain}`, email_verified: true, name: 'Bob' }

/** A member who has a passkey here, at a provider that leaves the second factor to us. */
async function withPasskey(t: Parameters<typeof partnerWithSso>[0]) {
  const under = await partnerWithSso(t, { setup: { secondFactor: 'local' } })
  const { call, member, owner, platform, leave, comeBack, provider } = under
  const eve = await member(`eve@${domain}`, {
    partnerId: owner.partnerId,
    role: 'developer',
    confirmed: true,
  })
  const key = new SoftAuthenticator(platform.config.portal.url)
  const options = await call('POST', '/factors/passkeys/options', eve)
  const body = { name: 'Laptop', response: key.create(options.body) }
  const added = await call('POST', '/factors/passkeys', { cookie: eve.cookie, body })
  const half = async () => {
    provider.person = { ...bob, sub: 'eve-1', email: eve.email }
    const { url, visit } = await leave(eve.email, { returnTo: '/app/usage?from=x' })
    const { location, cookie } = await comeBack(provider.authorize(url), visit)
    assert.equal(cookie, undefined)
    const page = new URL(location, 'http://x')
    return { page, ticket: new URLSearchParams(page.hash.slice(1)).get('ticket') ?? undefined }
  }
  const withKey = async (ticket?: string) => {
    const response = key.get((await call('POST', '/session/passkey-options')).body)
    return await call('POST', '/session/passkey', { body: { response, ticket } })
  }
  const [code = ''] = added.body.recoveryCodes
  const withCode = (ticket?: string) =>
    call('POST', '/session/second-factor', { body: { ticket, method: 'recovery-code', code } })
  return { ...under, eve, half, withKey, withCode }
}

test('whoever shows a second factor after single sign-on goes on to the page that it wanted', async (t) => {
  const { half, withKey, call } = await withPasskey(t)
  const { page, ticket } = await half()
  assert.equal(page.pathname, '/sign-in')
  assert.equal(page.searchParams.get('return'), '/app/usage?from=x')
  const done = await withKey(ticket)
  assert.equal(done.status, 201)
  const { items } = (await call('GET', '/sessions', { cookie: done.cookie })).body
  assert.deepEqual(items[0].methods, ['sso', 'passkey'])
})

test('half a sign-in from a provider ends with its domain and with the provider', async (t) => {
  const { half, withCode, call, url, owner, setUp } = await withPasskey(t)
  const { cookie } = owner
  const first = await half()
  const second = await half()
  assert.equal((await call('DELETE', url, { cookie })).status, 204)
  assert.equal((await withCode(first.ticket)).status, 401)
  assert.equal((await setUp()).status, 200)
  const third = await half()
  assert.equal((await call('DELETE', `${url}/domains/${domain}`, { cookie })).status, 204)
  for (const { ticket } of [second, third]) assert.equal((await withCode(ticket)).status, 401)
})

test('half a sign-in with a password does not outlive the day on which single sign-on is enforced', async (t) => {
  const { withCode, withKey, call, setUp, platform, owner, eve } = await withPasskey(t)
  const body = { email: eve.email, password: goodPassword }
  const { ticket } = (await call('POST', '/session', { body })).body
  await platform.database.pool.query(
    `insert into identity.totp (person_id, sealed_secret, last_step, created_at) values ($1, 'x', 0, now())`,
    [owner.memberId],
  )
  assert.equal((await setUp({ mode: 'enforced' })).status, 200)
  const refused = await withCode(ticket)
  assert.deepEqual([refused.status, refused.body.code], [403, 'PERMISSION_DENIED'])
  assert.equal((await withKey(ticket)).status, 403)
})
