import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { goodPassword } from './testing.ts'
import { domain, partnerWithSso } from './testing-sso.ts'

const bob = { sub: 'bob-1', email: `bob@${domain}`, email_verified: true, name: 'Bob' }
const seconds = (): number => Math.floor(Date.now() / 1_000)
const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test('whoever the provider knows joins with the role of newcomers, and is the same person from then on', async (t) => {
  const under = await partnerWithSso(t)
  const { call, owner, signInAs, leave, provider } = under
  const first = await signInAs(bob)
  assert.deepEqual([first.status, first.location], [303, '/app'])
  const { body } = await call('GET', '/session', { cookie: first.cookie })
  assert.deepEqual(
    [body.partnerId, body.role, body.email, body.emailVerified, body.name],
    [owner.partnerId, 'viewer', bob.email, true, 'Bob'],
  )
  assert.match(body.signOutUrl, /\/end\?/)
  const again = await signInAs({ sub: 'bob-1' })
  assert.equal((await call('GET', '/session', { cookie: again.cookie })).body.id, body.id)
  const names = {
    turned: ['Mallory\u202e (owner)', 'Mallory (owner)'],
    hebrew: ['\u202bדנה\u202c', 'דנה'],
    unseen: ['\u200b\u2066', 'unseen'],
    none: [undefined, 'none'],
    '\u200d': [undefined, 'Colleague'],
  } as const
  for (const [sub, [name, shown]] of Object.entries(names)) {
    const { cookie } = await signInAs({ ...bob, sub, email: `${sub}@${domain}`, name })
    assert.equal((await call('GET', '/session', { cookie })).body.name, shown, 'none turns words')
  }
  const hidden = { ...bob, sub: 'hidden', email: `bob\u200b@${domain}` }
  assert.match((await signInAs(hidden)).location, /address/, 'no address that looks like another')
  const { url } = await leave(bob.email)
  const asked = new URL(url).searchParams
  assert.equal(asked.get('code_challenge_method'), 'S256')
  assert.equal(asked.get('response_type'), 'code')
  assert.ok(asked.get('state') !== asked.get('nonce'))
  assert.equal(
    asked.get('redirect_uri'),
    `${under.platform.config.portal.url}/management/v1/session/sso/${owner.partnerId}/callback`,
  )
  assert.ok((provider.redeemed[0]?.get('code_verifier') ?? '').length >= 43)
})

test('a domain without single sign-on is told so, and nothing about whoever has an address', async (t) => {
  const { call, leave } = await partnerWithSso(t)
  const known = await leave(`ada@${domain}`)
  const unknown = await leave(`nobody@${domain}`)
  assert.deepEqual([known.status, unknown.status], [200, 200])
  const other = await call('POST', '/session/sso', { body: { email: 'ada@other.example' } })
  assert.equal(other.status, 404)
  for (const body of [{}, { email: 'x' }, { email: `a@${domain}`, returnTo: '//evil.example' }])
    assert.equal((await call('POST', '/session/sso', { body })).status, 400)
})

test('after signing in a browser goes to a page of the portal and nowhere else', async (t) => {
  const { leave, comeBack, provider, call } = await partnerWithSso(t)
  provider.person = bob
  const { url, visit } = await leave(bob.email, { returnTo: '/app/usage?from=x' })
  assert.equal((await comeBack(provider.authorize(url), visit)).location, '/app/usage?from=x')
  for (const returnTo of ['https://evil.example', '/\\evil.example', '//evil', '/a b', 'app']) {
    const answer = await call('POST', '/session/sso', { body: { email: bob.email, returnTo } })
    assert.equal(answer.status, 400, returnTo)
  }
})

test('a return is good once, in the browser that was sent, at the address of its provider', async (t) => {
  const { leave, comeBack, provider, owner } = await partnerWithSso(t)
  provider.person = bob
  const { url, visit } = await leave(bob.email)
  const { visit: elsewhere } = await leave(bob.email)
  const back = provider.authorize(url)
  const expired = '/sign-in?sso=expired'
  assert.equal((await comeBack(back, elsewhere)).location, expired, 'another browser')
  assert.equal((await comeBack(back, '')).location, expired, 'no cookie')
  const moved = new URL(back)
  moved.pathname = moved.pathname.replace(owner.partnerId, 'operator')
  assert.equal((await comeBack(moved, visit)).location, '/console/sign-in?sso=expired')
  const all = await Promise.all(Array.from({ length: 50 }, () => comeBack(back, visit)))
  assert.equal(all.filter(({ location }) => location === '/app').length, 1)
  assert.equal(all.filter(({ cookie }) => cookie !== undefined).length, 1)
  assert.equal(provider.redeemed.length, 1, 'the code was redeemed once')
  for (const change of [
    (one: URL) => one.searchParams.delete('state'),
    (one: URL) => one.searchParams.set('state', 'x'.repeat(43)),
    (one: URL) => one.searchParams.set('state', '\u0000'),
  ]) {
    const changed = new URL(back)
    change(changed)
    assert.equal((await comeBack(changed, visit)).location, expired)
  }
})

test('an answer that names another issuer, or none, is not redeemed (RFC 9207)', async (t) => {
  const { leave, comeBack, provider } = await partnerWithSso(t)
  provider.person = bob
  for (const iss of ['https://evil.example', undefined]) {
    const { url, visit } = await leave(bob.email)
    const back = provider.authorize(url)
    if (iss === undefined) back.searchParams.delete('iss')
    else back.searchParams.set('iss', iss)
    assert.equal((await comeBack(back, visit)).location, '/sign-in?sso=provider')
  }
  assert.equal(provider.redeemed.length, 0)
  const { url, visit } = await leave(bob.email)
  const back = provider.authorize(url)
  back.searchParams.delete('code')
  back.searchParams.set('error', 'access_denied')
  assert.equal((await comeBack(back, visit)).location, '/sign-in?sso=refused')
})

test('an ID token that is not just what was asked for signs nobody in', async (t) => {
  const { signInAs, provider, call, url, owner } = await partnerWithSso(t)
  const claims: Record<string, Record<string, unknown>> = {
    'another issuer': { iss: 'https://evil.example' },
    'another audience': { aud: 'somebody-else' },
    'several audiences without azp': { aud: [provider.clientId, 'somebody-else'] },
    'another azp': { aud: [provider.clientId, 'somebody-else'], azp: 'somebody-else' },
    'another nonce': { nonce: 'x' },
    'no nonce': { nonce: undefined },
    expired: { exp: seconds() - 120 },
    'no expiry': { exp: undefined },
    'issued long ago': { iat: seconds() - 3_600 },
    'issued in the future': { iat: seconds() + 600 },
    'no subject': { sub: undefined },
    'a subject that is no text': { sub: 7 },
    'a subject with NUL': { sub: 'a\u0000b' },
    'a subject too long': { sub: 'a'.repeat(300) },
  }
  for (const [what, changes] of Object.entries(claims)) {
    const { location, cookie } = await signInAs({ ...bob, ...changes })
    assert.deepEqual([location, cookie], ['/sign-in?sso=provider', undefined], what)
  }
  const { body } = await call('GET', url, { cookie: owner.cookie })
  assert.match(body.provider.fault.reason, /sub/)
})

test('a signature by anything but the key of the provider signs nobody in', async (t) => {
  const { signInAs, provider } = await partnerWithSso(t)
  const publicPem = await exportSPKI(provider.publicKey)
  const stranger = await generateKeyPair('ES256')
  const head = (alg: string, more = {}) => segment({ alg, kid: 'k1', ...more })
  const jwk = await exportJWK(stranger.publicKey)
  const signers: Record<string, NonNullable<typeof provider.sign>> = {
    'alg none': (claims) => `${head('none')}.${segment(claims)}.`,
    'HS256 with the public key': (claims) => {
      const body = `${head('HS256')}.${segment(claims)}`
      return `${body}.${createHmac('sha256', publicPem).update(body).digest('base64url')}`
    },
    'HS256 with the client secret': (claims) => {
      const body = `${head('HS256')}.${segment(claims)}`
      return `${body}.${createHmac('sha256', provider.clientSecret).update(body).digest('base64url')}`
    },
    'another key': (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(stranger.privateKey),
    'a key that it brings along': (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', jwk }).sign(stranger.privateKey),
    'a signature cut off': async (claims) =>
      (
        await new SignJWT(claims)
          .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
          .sign(provider.privateKey)
      ).slice(0, -4),
    'no token at all': () => 'nonsense',
  }
  for (const [what, sign] of Object.entries(signers)) {
    provider.sign = sign
    assert.equal((await signInAs(bob)).location, '/sign-in?sso=provider', what)
  }
  provider.sign = undefined
  assert.equal((await signInAs(bob)).location, '/app')
})

test('an address counts only where the provider has verified it and the domain is proved', async (t) => {
  const { signInAs } = await partnerWithSso(t)
  const addresses: Record<string, unknown>[] = [
    { email_verified: false },
    { email_verified: undefined },
    { email_verified: 'true' },
    { email: undefined },
    { email: 'bob@other.example' },
    { email: `bob@sub.${domain}` },
    { email: `bob@evil.example@${domain}x` },
    { email: [`bob@${domain}`] },
  ]
  for (const changes of addresses) {
    const { location } = await signInAs({ ...bob, ...changes })
    assert.equal(location, '/sign-in?sso=address', JSON.stringify(changes))
  }
})

test('no account is taken over: of another organisation, of another subject, or of staff', async (t) => {
  const { signInAs, member, operator, call, owner } = await partnerWithSso(t)
  await member(`eve@${domain}`, { confirmed: true })
  await operator(`grace@${domain}`)
  for (const name of ['eve', 'grace']) {
    const { location } = await signInAs({ ...bob, email: `${name}@${domain}` })
    assert.equal(location, '/sign-in?sso=taken', name)
  }
  assert.equal((await signInAs(bob)).location, '/app')
  assert.equal((await signInAs({ ...bob, sub: 'bob-2' })).location, '/sign-in?sso=taken')
  const ada = await signInAs({ sub: 'ada-1', email: owner.email, email_verified: true })
  const { body } = await call('GET', '/session', { cookie: ada.cookie })
  assert.deepEqual([body.id, body.role], [owner.memberId, 'owner'], 'one of its own is linked')
  assert.equal(
    (await signInAs({ sub: 'bob-1', email: owner.email, email_verified: true })).location,
    '/app',
    'whoever was linked stays who it is',
  )
})

test('two first visits at once make one person', async (t) => {
  const { leave, comeBack, provider, call, owner } = await partnerWithSso(t)
  provider.person = bob
  const visits = await Promise.all(Array.from({ length: 8 }, () => leave(bob.email)))
  const landings = await Promise.all(
    visits.map(({ url, visit }) => comeBack(provider.authorize(url), visit)),
  )
  assert.ok(landings.every(({ location }) => location === '/app'))
  const { body } = await call('GET', `/partners/${owner.partnerId}/members`, {
    cookie: owner.cookie,
  })
  assert.equal(body.items.length, 2)
})

test('whoever was invited joins with the role that was meant; without a role nobody does', async (t) => {
  const { signInAs, call, owner, setUp } = await partnerWithSso(t)
  await setUp({ defaultRole: undefined })
  assert.equal((await signInAs(bob)).location, '/sign-in?sso=no-role')
  const members = `/partners/${owner.partnerId}/members`
  await call('POST', members, {
    cookie: owner.cookie,
    body: { email: bob.email, role: 'developer' },
  })
  const { cookie } = await signInAs(bob)
  assert.equal((await call('GET', '/session', { cookie })).body.role, 'developer')
  const { body } = await call('GET', members, { cookie: owner.cookie })
  assert.deepEqual(
    body.items.map(({ state }: { state: string }) => state),
    ['active', 'active'],
  )
})

test('a claim decides the role at each sign-in; the last owner stays one', async (t) => {
  const { signInAs, call, owner, setUp } = await partnerWithSso(t)
  const roles = [
    { value: 'builders', role: 'developer' },
    { value: 'money', role: 'finance' },
  ]
  assert.equal((await setUp({ roleClaim: 'groups', roles, defaultRole: undefined })).status, 200)
  const roleWith = async (groups: unknown) => {
    const { cookie, location } = await signInAs({ ...bob, groups })
    return cookie === undefined ? location : (await call('GET', '/session', { cookie })).body.role
  }
  assert.equal(await roleWith(['x', 'money']), 'finance')
  assert.equal(await roleWith(['money', 'builders']), 'developer', 'the first of the list')
  assert.equal(await roleWith('money'), 'finance')
  for (const groups of [[], undefined, 7, { builders: true }, ['Builders']])
    assert.equal(await roleWith(groups), '/sign-in?sso=no-role')
  const ada = { sub: 'ada-1', email: owner.email, email_verified: true, groups: ['money'] }
  const { cookie } = await signInAs(ada)
  assert.equal((await call('GET', '/session', { cookie })).body.role, 'owner')
})

test('a session from a provider ends after eight hours, and with the provider', async (t) => {
  const { signInAs, call, owner, url, platform } = await partnerWithSso(t)
  const { cookie } = await signInAs(bob)
  const { rows } = await platform.database.pool.query(
    `select extract(epoch from ends_at - created_at) as seconds from identity.session where provider_owner is not null`,
  )
  assert.equal(Math.round(Number(rows[0].seconds)), 8 * 3_600)
  const status = async () => (await call('GET', '/session', { cookie })).status
  assert.equal(await status(), 200)
  assert.equal((await call('DELETE', url, { cookie: owner.cookie })).status, 204)
  assert.equal(await status(), 401)
  assert.equal((await call('DELETE', url, { cookie: owner.cookie })).status, 404)
  assert.equal((await signInAs(bob).catch(() => ({ location: 'none' }))).location, 'none')
})

test('a session that ended by its time is no session', async (t) => {
  const { signInAs, call, platform } = await partnerWithSso(t)
  const { cookie } = await signInAs(bob)
  await platform.database.pool.query('update identity.session set ends_at = now()')
  assert.equal((await call('GET', '/session', { cookie })).status, 401)
})

test('who has an address of a domain that was given up is signed in no more', async (t) => {
  const { signInAs, call, owner, url, setUp } = await partnerWithSso(t)
  const { cookie } = await signInAs(bob)
  await call('DELETE', `${url}/domains/${domain}`, { cookie: owner.cookie })
  assert.equal((await call('GET', '/session', { cookie })).status, 401)
  assert.equal((await call('POST', '/session/sso', { body: { email: bob.email } })).status, 404)
  assert.equal((await setUp({ mode: 'enforced' })).status, 409)
})

test('where it is enforced, only owners with a second factor sign in without it', async (t) => {
  const under = await partnerWithSso(t)
  const { call, owner, setUp, member, signIn, signInAs, url, platform, linkTo, identity } = under
  const { fault: _, changedAt: __, ...given } = (await call('GET', url, owner)).body.provider
  const eve = await member(`eve@${domain}`, {
    partnerId: owner.partnerId,
    role: 'developer',
    confirmed: true,
  })
  await member('guest@other.example', { partnerId: owner.partnerId, role: 'viewer' })
  const enforced = await setUp({ mode: 'enforced' })
  assert.equal(enforced.body.code, 'INCOMPATIBLE_STATE', 'an owner must get in without it')
  assert.match(enforced.body.message, /your own account/)
  const { token: program } = await identity.createToken({
    role: 'partner',
    partnerId: owner.partnerId,
    name: 'ci',
    createdBy: { kind: 'system', id: 'test' },
  })
  const byProgram = () =>
    call('PUT', url, { token: program, body: { ...given, mode: 'enforced' }, origin: false })
  const told = await byProgram()
  assert.deepEqual([told.status, told.body.code], [409, 'INCOMPATIBLE_STATE'])
  assert.match(told.body.message, /^No owner of the organisation has a passkey/)
  await platform.database.pool.query(
    `insert into identity.totp (person_id, sealed_secret, last_step, created_at) values ($1, 'x', 0, now())`,
    [owner.memberId],
  )
  assert.equal((await byProgram()).status, 200, 'a program has no account, an owner has')
  assert.equal((await setUp({ mode: 'enforced' })).status, 200)
  assert.equal((await call('GET', '/session', { cookie: eve.cookie })).status, 401, 'ended')
  assert.equal((await call('GET', '/session', { cookie: owner.cookie })).status, 200)
  const local = (email: string, password = goodPassword) =>
    call('POST', '/session', { body: { email, password } })
  const refused = await local(eve.email)
  assert.deepEqual([refused.status, refused.body.code], [403, 'PERMISSION_DENIED'])
  assert.equal((await local(eve.email, 'wrong password 1')).status, 401, 'told to nobody else')
  assert.equal((await local(owner.email)).status, 202, 'the glass to break')
  assert.ok(await signIn('guest@other.example'), 'addresses of other domains are guests')
  assert.equal((await signInAs({ ...bob, email: eve.email })).location, '/app')
  const kept = await call('DELETE', '/factors/totp', { cookie: owner.cookie })
  assert.equal(kept.body.code, 'INCOMPATIBLE_STATE', 'the way in stays')
  const members = `/partners/${owner.partnerId}/members`
  const carol = { email: `carol@${domain}`, role: 'owner' }
  await call('POST', members, { cookie: owner.cookie, body: carol })
  const token = await linkTo(carol.email, 'accept-invitation')
  const accepted = await call('POST', '/invitations/accept', {
    body: { token, name: 'Carol', password: goodPassword },
  })
  assert.equal(accepted.status, 403, 'nor by an invitation')
  const bare = await call('DELETE', url, { cookie: owner.cookie })
  assert.equal(bare.status, 204)
  assert.equal((await local(eve.email)).status, 201)
})

test('somebody from a provider proves there to be here; nobody else at it does', async (t) => {
  const { signInAs, call, comeBack, provider, leave } = await partnerWithSso(t)
  const { cookie = '' } = await signInAs({ ...bob, auth_time: seconds() - 3_600 })
  const state = await call('GET', '/session/step-up', { cookie })
  assert.deepEqual(state.body, { methods: ['sso'] }, 'an old sign-in there proves nothing')
  const tokens = () => call('POST', '/tokens', { cookie, body: { name: 'ci' } })
  assert.equal((await tokens()).body.code, 'STEP_UP_REQUIRED')
  const proof = async (person: Record<string, unknown>, jar = cookie) => {
    provider.person = person
    const begun = await call('POST', '/session/sso/proof', { cookie })
    const { searchParams } = new URL(begun.body.url)
    assert.deepEqual([searchParams.get('prompt'), searchParams.get('max_age')], ['login', '0'])
    const [visit = ''] = begun.headers.getSetCookie().map((one) => one.split(';', 1)[0] ?? '')
    return await comeBack(provider.authorize(begun.body.url), `${visit}; ${jar}`)
  }
  const stale = await proof({ ...bob, auth_time: seconds() - 600 })
  assert.equal(stale.location, '/sign-in?sso=provider', 'it did not ask anew')
  assert.equal((await proof(bob)).location, '/sign-in?sso=provider', 'it does not say when')
  const eve = { ...bob, sub: 'eve-1', email: `eve@${domain}`, auth_time: seconds() }
  assert.equal((await proof(eve)).location, '/sign-in?sso=taken', 'somebody else')
  const { cookie: other = '' } = await signInAs(eve)
  assert.equal(
    (await proof({ ...bob, auth_time: seconds() }, other)).location,
    '/sign-in?sso=taken',
  )
  assert.equal((await tokens()).status, 403)
  const proved = await proof({ ...bob, auth_time: seconds() })
  assert.deepEqual([proved.status, proved.location], [200, ''])
  const fresh = { cookie: proved.cookie, body: { name: 'ci' } }
  assert.equal((await call('POST', '/tokens', fresh)).status, 201)
  assert.equal(
    (await call('POST', '/session/step-up', { cookie: proved.cookie, body: { method: 'sso' } }))
      .status,
    400,
  )
  const local = await leave('x@other.example')
  assert.equal(local.status, 404)
})

test('ways to sign in that the owner asks for are asked for and checked (acr)', async (t) => {
  const { signInAs, leave, setUp } = await partnerWithSso(t)
  await setUp({ acrValues: ['urn:mfa', 'urn:phr'] })
  assert.equal(
    new URL((await leave(bob.email)).url).searchParams.get('acr_values'),
    'urn:mfa urn:phr',
  )
  for (const acr of [undefined, 'urn:pwd', ['urn:mfa'], 'urn:mfa urn:phr'])
    assert.equal((await signInAs({ ...bob, acr })).location, '/sign-in?sso=provider', String(acr))
  assert.equal((await signInAs({ ...bob, acr: 'urn:phr' })).location, '/app')
})

test('a member who never confirmed the address is linked, and has confirmed it by that', async (t) => {
  const { signInAs, member, call, owner } = await partnerWithSso(t)
  const { partnerId } = owner
  await member(bob.email)
  const mine = await member(bob.email, { partnerId, role: 'developer' })
  await member(bob.email)
  const { cookie } = await signInAs(bob)
  const { body } = await call('GET', '/session', { cookie })
  assert.deepEqual(
    [body.id, body.role, body.emailVerified],
    [mine.memberId, 'developer', true],
    'claims of others are left alone',
  )
})
