import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Answer,
  asserted,
  assertion,
  basic,
  sandboxId,
  sandboxSecret,
  testKey,
  testServers,
  testSettings,
} from './testing.ts'

const cibaGrant = 'urn:openid:params:grant-type:ciba'
const purpose = 'dpv:FraudPreventionAndDetection'
const scope = `openid offline_access ${purpose} location-verification:verify`
const otherId = 'wl_sbx_9876543210abcdefghij'

/** A client that has a refresh token on the consent of a subscriber. */
async function refreshing(t: Parameters<typeof testServers>[0]) {
  let offset = 0
  const clock = { now: () => new Date(Date.now() + offset) }
  const servers = await testServers(t, { subscribers: true, clock })
  const key = testKey('ES256', 'k1')
  const settings = {
    ...testSettings,
    refreshTokens: true,
    grants: [{ grantType: cibaGrant, purpose, scopes: '*' }],
  } as const
  const keys = [{ credentialId: 'crd_key', jwk: key.jwk }]
  servers.clients.set(sandboxId, { keys, settings })
  const { clientId: _, ...first } = (await servers.clients.findClient(sandboxId, 'sandbox')) ?? {}
  servers.clients.add({ ...first, clientId: otherId, environment: 'sandbox' })
  const own = basic(sandboxId, sandboxSecret)
  const asked = await servers.post(
    '/sandbox/bc-authorize',
    { scope, login_hint: 'tel:+99010000001' },
    own,
  )
  const link = /https?:\S+/.exec(servers.world.sent.at(-1)?.text ?? '')?.[0] ?? ''
  const token = new URL(link).searchParams.get('t') ?? ''
  const view = await servers.consent.openCapture(token)
  assert.ok(view)
  await servers.consent.answerCapture(token, 'allow', {
    method: 'sms-link',
    textHash: view.textHash,
    locale: view.notice.locale,
  })
  const tokens = await servers.post(
    '/sandbox/token',
    { grant_type: cibaGrant, auth_req_id: String(asked.body.auth_req_id) },
    own,
  )
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
  const refresh = (refreshToken: unknown, headers = own) =>
    servers.post(
      '/sandbox/token',
      { grant_type: 'refresh_token', refresh_token: String(refreshToken) },
      headers,
    )
  const byKey = async (refreshToken: unknown) =>
    servers.post('/sandbox/token', {
      grant_type: 'refresh_token',
      refresh_token: String(refreshToken),
      ...asserted(
        await assertion(key, {
          iss: sandboxId,
          sub: sandboxId,
          aud: servers.issuer('sandbox'),
        }),
      ),
    })
  const advance = (seconds: number): void => {
    offset += seconds * 1_000
  }
  return { ...servers, settings, view, refresh, byKey, advance, first: tokens.body.refresh_token }
}

const refused = (answer: Answer, status: number, error: string): void =>
  assert.deepEqual([answer.status, answer.body.error], [status, error], JSON.stringify(answer.body))

test('a refresh gives a new access token for the same purpose, and a new refresh token', async (t) => {
  const { refresh, first } = await refreshing(t)
  const answer = await refresh(first)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.notEqual(answer.body.refresh_token, first)
  const [, body = ''] = String(answer.body.access_token).split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
  assert.equal(claims.pur, purpose)
  assert.equal((claims.cns as string[]).length, 1)
  assert.equal((await refresh(answer.body.refresh_token)).status, 200)
})

test('of fifty simultaneous uses of one refresh token on two nodes one succeeds, and its tokens live', async (t) => {
  const { refresh, first } = await refreshing(t)
  const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(first)))
  const good = answers.filter(({ status }) => status === 200)
  assert.equal(good.length, 1)
  for (const answer of answers) if (answer.status !== 200) refused(answer, 400, 'invalid_grant')
  assert.equal((await refresh(good[0]?.body.refresh_token)).status, 200)
})

test('a refresh token that is used again later ends the grant', async (t) => {
  const { refresh, first, advance } = await refreshing(t)
  const second = (await refresh(first)).body.refresh_token
  advance(7)
  refused(await refresh(first), 400, 'invalid_grant')
  const third = (await refresh(second)).body.refresh_token
  assert.equal(typeof third, 'string')
  advance(12)
  refused(await refresh(first), 400, 'invalid_grant')
  refused(await refresh(third), 400, 'invalid_grant')
})

test('a client that authenticates with a key keeps its refresh token, so a lost answer loses nothing', async (t) => {
  const { byKey, first } = await refreshing(t)
  const answer = await byKey(first)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.equal(answer.body.refresh_token, first)
  assert.equal((await byKey(first)).status, 200)
})

test('another client’s refresh token is worth nothing', async (t) => {
  const { refresh, first } = await refreshing(t)
  refused(await refresh(first, basic(otherId, sandboxSecret)), 400, 'invalid_grant')
  assert.equal((await refresh(first)).status, 200)
})

test('a refresh ends with subscription, client and order', async (t) => {
  const { refresh, first, clients } = await refreshing(t)
  clients.set(sandboxId, { state: 'suspended' })
  refused(await refresh(first), 401, 'invalid_client')
  clients.set(sandboxId, { state: 'active' })
  clients.scopes = ['sim-swap:check']
  refused(await refresh(first), 400, 'invalid_grant')
  const other = await refreshing(t)
  other.clients.set(sandboxId, { settings: { ...other.settings, grants: testSettings.grants } })
  assert.equal((await other.refresh(other.first)).status, 400)
})

test('a refresh token dies with consent, and is told so', async (t) => {
  const { refresh, first, consent, view, post } = await refreshing(t)
  const introspect = () =>
    post('/sandbox/introspect', { token: String(first) }, basic(sandboxId, sandboxSecret))
  assert.equal((await introspect()).body.active, true)
  const [record] = await consent.listOf('sandbox', view.subject)
  await consent.withdraw('sandbox', record?.id ?? '', {
    kind: 'subscriber',
    subject: view.subject,
    channel: 'privacy-page',
    method: 'one-time-code',
  })
  assert.deepEqual((await introspect()).body, { active: false })
  refused(await refresh(first), 400, 'invalid_grant')
})

test('without offline_access, or without the setting, there is no refresh token', async (t) => {
  const { post, clients, settings } = await refreshing(t)
  const own = basic(sandboxId, sandboxSecret)
  const tokens = async (wanted: string) => {
    const form = { scope: wanted, login_hint: 'tel:+99010000001' }
    const asked = await post('/sandbox/bc-authorize', form, own)
    const id = String(asked.body.auth_req_id)
    return await post('/sandbox/token', { grant_type: cibaGrant, auth_req_id: id }, own)
  }
  const without = await tokens(`openid ${purpose} sim-swap:check`)
  assert.deepEqual([without.status, without.body.refresh_token], [200, undefined])
  clients.set(sandboxId, { settings: { ...settings, refreshTokens: false } })
  const off = await tokens(`openid offline_access ${purpose} sim-swap:check`)
  assert.deepEqual([off.status, off.body.refresh_token], [200, undefined])
})

test('a refresh token that was rotated away still ends its grant when its client revokes it', async (t) => {
  const { post, refresh, first } = await refreshing(t)
  const { refresh_token: second } = (await refresh(first)).body
  const revoke = (headers: Record<string, string>) =>
    post('/sandbox/revoke', { token: String(first) }, headers)
  assert.equal((await revoke(basic(otherId, sandboxSecret))).status, 200)
  const { refresh_token: third } = (await refresh(second)).body
  assert.ok(third, 'another client ends nothing')
  assert.equal((await revoke(basic(sandboxId, sandboxSecret))).status, 200)
  refused(await refresh(third), 400, 'invalid_grant')
})

test('a refresh for less than a token needs is told so, and uses nothing up', async (t) => {
  const { post, refresh, first } = await refreshing(t)
  const less = (scope: string) =>
    post(
      '/sandbox/token',
      { grant_type: 'refresh_token', refresh_token: String(first), scope },
      basic(sandboxId, sandboxSecret),
    )
  refused(await less('location-verification:verify'), 400, 'invalid_scope')
  refused(await less(purpose), 400, 'invalid_scope')
  refused(await less(`${scope} sim-swap:check`), 400, 'invalid_scope')
  assert.equal((await refresh(first)).status, 200)
})
