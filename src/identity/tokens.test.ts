import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { looksLikeApiToken, newApiToken } from './secrets.ts'
import { identityUnderTest } from './testing.ts'

const system = { kind: 'system', id: 'command-line' } as const

test('a token is shown once, works on any route, and is stored as a hash only', async (t) => {
  const { call, member, platform } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const made = await call('POST', '/tokens', { cookie: ada.cookie, body: { name: 'ci' } })
  assert.equal(made.status, 201)
  const { token, ...shown } = made.body
  assert.match(token, /^wl_tok_[0-9A-Za-z]{49}$/)
  assert.equal(shown.hint, token.slice(0, 11))
  assert.equal(shown.partnerId, ada.partnerId)
  const url = `/partners/${ada.partnerId}/members`
  assert.equal((await call('GET', url, { token })).status, 200)
  const list = await call('GET', '/tokens', { cookie: ada.cookie })
  assert.equal(list.body.items[0].id, shown.id)
  assert.ok(list.body.items[0].lastUsedAt !== undefined)
  const { rows } = await sql<{ text: string }>`
    select x::text as text from identity.token x
    union all select o::text from platform.outbox o`.execute(platform.database.as<unknown>())
  for (const { text } of rows) assert.ok(!text.includes(token.slice(11)), text)
})

test('a deleted token ends at once; another’s token is as if it were absent', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const eve = await member('eve@example.com')
  const { body } = await call('POST', '/tokens', { cookie: ada.cookie, body: { name: 'ci' } })
  const foreign = await call('DELETE', `/tokens/${body.id}`, { cookie: eve.cookie })
  const absent = await call('DELETE', '/tokens/tok_absent', { cookie: eve.cookie })
  assert.equal(foreign.status, 404)
  assert.deepEqual(foreign.body, absent.body)
  assert.equal((await call('GET', '/session', { token: body.token })).status, 200)
  assert.equal((await call('DELETE', `/tokens/${body.id}`, { cookie: ada.cookie })).status, 204)
  assert.equal((await call('GET', '/session', { token: body.token })).status, 401)
})

test('a token may do what its maker may do now', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const bob = await member('bob@example.com', { partnerId: ada.partnerId, role: 'owner' })
  const { body } = await call('POST', '/tokens', { cookie: bob.cookie, body: { name: 'ci' } })
  const url = `/partners/${ada.partnerId}/members`
  const invite = () =>
    call('POST', url, { token: body.token, body: { email: 'new@example.com', role: 'viewer' } })
  assert.equal((await invite()).status, 201)
  await call('PATCH', `${url}/${bob.memberId}`, { cookie: ada.cookie, body: { role: 'viewer' } })
  assert.equal((await invite()).status, 403)
})

test('owners and administrators keep all tokens of their side, others their own', async (t) => {
  const { call, member, operator, identity } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const bob = await member('bob@example.com', { partnerId: ada.partnerId, role: 'developer' })
  const eve = await member('eve@example.com')
  const grace = await operator()
  for (const { cookie } of [ada, bob, eve, grace]) {
    await call('POST', '/tokens', { cookie, body: { name: 'own' } })
  }
  await identity.createToken({
    role: 'partner',
    partnerId: ada.partnerId,
    name: 'cli',
    createdBy: system,
  })
  await identity.createToken({ role: 'operator', name: 'cli', createdBy: system })
  const makers = async (cookie: string): Promise<string[]> =>
    (await call('GET', '/tokens', { cookie })).body.items
      .map((token: { createdBy: string }) => token.createdBy)
      .sort()
  assert.deepEqual(await makers(ada.cookie), ['command-line', ada.memberId, bob.memberId].sort())
  assert.deepEqual(await makers(bob.cookie), [bob.memberId])
  assert.deepEqual(await makers(eve.cookie), [eve.memberId])
  assert.deepEqual(await makers(grace.cookie), ['command-line', grace.id].sort())
})

test('a token makes, lists and ends no tokens, and no session', async (t) => {
  const { call, operator, identity } = await identityUnderTest(t)
  await operator()
  const { token, id } = await identity.createToken({
    role: 'operator',
    name: 'cli',
    createdBy: system,
  })
  const body = { name: 'more' }
  assert.equal((await call('POST', '/tokens', { token, body })).status, 403)
  assert.equal((await call('GET', '/tokens', { token })).status, 403)
  assert.equal((await call('DELETE', `/tokens/${id}`, { token })).status, 403)
  assert.equal((await call('DELETE', '/session', { token })).status, 403)
  assert.equal((await call('GET', '/operators', { token })).status, 200)
  assert.equal((await call('POST', '/tokens', { body })).status, 401)
  assert.equal((await call('GET', '/tokens')).status, 401)
})

test('a malformed token request is refused', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const { cookie } = await member('ada@example.com')
  assert.equal(
    (await call('POST', '/tokens', { cookie, body: { name: ' ', role: 'operator' } })).status,
    400,
  )
  assert.equal((await call('GET', '/tokens?perPage=0', { cookie })).status, 400)
})

test('a token does what its scopes name, within what its maker may do, and nothing else', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const bob = await member('bob@example.com', { partnerId: ada.partnerId, role: 'owner' })
  const make = (scopes: unknown) =>
    call('POST', '/tokens', { cookie: bob.cookie, body: { name: 'ci', scopes } })
  const reads = (await make(['member.read'])).body
  assert.deepEqual(reads.scopes, ['session.read', 'member.read'])
  const url = `/partners/${ada.partnerId}/members`
  const invite = (token: string, email: string) =>
    call('POST', url, { token, body: { email, role: 'viewer' } })
  assert.equal((await call('GET', url, { token: reads.token })).status, 200)
  const refused = await invite(reads.token, 'a@example.com')
  assert.equal(refused.status, 403)
  assert.match(refused.body.message, /has not the scope member\.manage/)
  const manages = (await make(['member.manage'])).body
  assert.equal((await invite(manages.token, 'b@example.com')).status, 201)
  assert.equal((await call('GET', url, { token: manages.token })).status, 403)
  const none = (await make([])).body
  await call('PATCH', `${url}/${bob.memberId}`, { cookie: ada.cookie, body: { role: 'viewer' } })
  assert.equal((await invite(manages.token, 'c@example.com')).status, 403, 'its maker may no more')
  const { body } = await call('GET', '/session', { token: manages.token })
  assert.deepEqual(body.permissions, ['session.read'])
  assert.equal((await call('GET', '/session', { token: none.token })).status, 200)
  assert.equal((await call('GET', url, { token: none.token })).status, 403)
})

test('a scope that its maker has not, that is for people only, or that does not exist is refused', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const ada = await member('ada@example.com', { role: 'viewer' })
  const make = (body: object) =>
    call('POST', '/tokens', { cookie: ada.cookie, body: { name: 'ci', ...body } })
  const answer = await make({
    scopes: ['member.manage', 'own-token.change', 'staff.read', 'x', 'usage.read'],
  })
  assert.equal(answer.status, 400)
  assert.deepEqual(
    answer.body.violations.map(({ path }: { path: string }) => path),
    ['/scopes/0', '/scopes/1', '/scopes/2', '/scopes/3'],
  )
  for (const body of [
    { scopes: ['usage.read', 'usage.read'] },
    { scopes: 'usage.read' },
    { expiresInDays: 0 },
    { expiresInDays: 366 },
    { expiresInDays: 1.5 },
  ])
    assert.equal((await make(body)).status, 400, JSON.stringify(body))
})

test('a token ends when it says, after 90 days if it does not say', async (t) => {
  const { call, member, platform, identity } = await identityUnderTest(t)
  const { cookie } = await member('ada@example.com')
  const make = async (body: object) =>
    (await call('POST', '/tokens', { cookie, body: { name: 'ci', ...body } })).body
  const days = (token: { createdAt: string; expiresAt: string }) =>
    (Date.parse(token.expiresAt) - Date.parse(token.createdAt)) / 86_400_000
  assert.equal(Math.round(days(await make({}))), 90)
  const token = await make({ expiresInDays: 7 })
  assert.equal(Math.round(days(token)), 7)
  const status = async () => (await call('GET', '/session', { token: token.token })).status
  assert.equal(await status(), 200)
  const { pool } = platform.database
  await pool.query('update identity.token set expires_at = now() where id = $1', [token.id])
  assert.equal(await status(), 401)
  assert.equal((await call('GET', '/tokens', { cookie })).body.items.length, 2, 'still shown')
  await pool.query(`update identity.token set expires_at = now() - interval '31 days'`)
  await identity.forgetEnded()
  assert.equal((await call('GET', '/tokens', { cookie })).body.items.length, 0)
})

test('a mistyped token is told from a real one by its checksum', () => {
  for (let i = 0; i < 200; i += 1) {
    const token = newApiToken()
    assert.ok(looksLikeApiToken(token))
    const at = 7 + (i % 43)
    const changed = token[at] === 'a' ? 'b' : 'a'
    assert.ok(!looksLikeApiToken(token.slice(0, at) + changed + token.slice(at + 1)), token)
  }
})
