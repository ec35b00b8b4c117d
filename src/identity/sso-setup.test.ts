import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { machineClock } from '#platform/testing-clock'
import { goodPassword, identityUnderTest } from './testing.ts'
import { testProvider } from './testing-provider.ts'
import { browserOf, domain, partnerWithSso } from './testing-sso.ts'

const bob = { sub: 'bob-1', email: `bob@${domain}`, email_verified: true }
/** Of an authenticator app, so many half minutes from now. */
const codeOf = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({
    timestamp: Date.now() + steps * 30_000,
  })

const local = { WAYLEAVE_EGRESS_NETWORKS: '127.0.0.0/8' }

test('a provider is asked before it is saved, and told what is wrong at its field', async (t) => {
  const { setUp, provider, call, url, owner } = await partnerWithSso(t)
  const paths = (answer: { body: { violations?: { path: string }[] } }) =>
    (answer.body.violations ?? []).map(({ path }) => path)
  const faults: [Record<string, unknown>, string][] = [
    [{ issuer: `${provider.issuer}/nowhere`, clientSecret: 'x' }, '/issuer'],
    [{ issuer: `${provider.issuer}?x=1`, clientSecret: 'x' }, '/issuer'],
    [{ issuer: 'https://192.168.0.1', clientSecret: 'x' }, '/issuer'],
    [{ issuer: 'ftp://provider.example', clientSecret: 'x' }, '/issuer'],
    [{ roles: [{ value: 'a', role: 'developer' }] }, '/roleClaim'],
    [{ roles: [{ value: 'a', role: 'king' }] }, '/roles/0/role'],
    [{ defaultRole: 'owner' }, '/defaultRole'],
    [{ clientSecret: 'a\nb' }, '/clientSecret'],
  ]
  for (const [changes, path] of faults) {
    const answer = await setUp(changes)
    assert.equal(answer.status, 400, path)
    assert.ok(paths(answer).includes(path), JSON.stringify(answer.body))
  }
  for (const metadata of [
    { issuer: 'https://evil.example' },
    { id_token_signing_alg_values_supported: ['HS256', 'none'] },
    { authorization_endpoint: 'javascript:alert(1)' },
    { authorization_endpoint: undefined },
  ]) {
    provider.metadata = metadata
    assert.deepEqual(paths(await setUp()), ['/issuer'], JSON.stringify(metadata))
  }
  provider.metadata = {}
  const { body } = await call('GET', url, { cookie: owner.cookie })
  assert.equal(body.provider.issuer, provider.issuer, 'what was there before stays')
  assert.ok(!JSON.stringify(body).includes(provider.clientSecret))
})

test('a secret is kept sealed, and goes to no other provider than it was given for', async (t) => {
  const { setUp, provider, platform } = await partnerWithSso(t)
  assert.equal((await setUp({ clientSecret: undefined })).status, 200, 'it is kept')
  const other = await testProvider(t)
  const moved = await setUp({ clientSecret: undefined, issuer: other.issuer })
  assert.equal(moved.body.violations[0].path, '/clientSecret')
  assert.equal((await setUp({ clientSecret: undefined, clientId: 'another' })).status, 400)
  const { rows } = await platform.database.pool.query(
    'select p::text as text from identity.provider p',
  )
  assert.ok(!rows[0].text.includes(provider.clientSecret))
})

test('a provider that redirects, sends too much or does not answer signs nobody in, and in time', async (t) => {
  const { signInAs, provider, setUp, call, url, owner } = await partnerWithSso(t)
  const secret = await testProvider(t)
  let asked = 0
  secret.answer = () => {
    asked += 1
    return false
  }
  const misdeeds: Record<string, (typeof provider)['answer']> = {
    'a redirect': (request, response) => {
      if (request.url !== '/token') return false
      response.writeHead(307, { location: `${secret.issuer}/token` }).end()
      return true
    },
    'keys without an end': (request, response) => {
      if (request.url !== '/jwks') return false
      response.setHeader('content-type', 'application/json')
      response.end(`{"keys":[],"x":"${'x'.repeat(100_000)}"}`)
      return true
    },
    'an answer that is no JSON': (request, response) => {
      if (request.url !== '/token') return false
      response.end('<html>')
      return true
    },
  }
  for (const [what, answer] of Object.entries(misdeeds)) {
    provider.answer = answer
    assert.equal((await signInAs(bob)).location, '/sign-in?sso=provider', what)
  }
  assert.equal(asked, 0, 'nothing was followed')
  provider.answer = ({ url: path }, response) => {
    if (path !== '/.well-known/openid-configuration') return false
    response.setHeader('content-type', 'application/json')
    response.end(`{"issuer":"${provider.issuer}","x":"${'x'.repeat(100_000)}"}`)
    return true
  }
  assert.equal((await setUp()).status, 400, 'discovery without an end')
  const now = await machineClock()
  const started = now()
  provider.answer = () => true
  assert.equal((await setUp()).status, 400, 'no answer')
  assert.ok(now() - started < 12_000)
  const { body } = await call('GET', url, { cookie: owner.cookie })
  assert.equal(typeof body.provider.fault.reason, 'string')
})

test('an answer of one provider is nothing at the address of another (mix-up)', async (t) => {
  const honest = await partnerWithSso(t)
  const { call, member, records, provider } = honest
  const hostile = await testProvider(t)
  const eve = await member('eve@evil.example', { confirmed: true })
  const at = `/partners/${eve.partnerId}/sso`
  const named = await call('POST', `${at}/domains`, {
    cookie: eve.cookie,
    body: { domain: 'evil.example' },
  })
  records.set(named.body.record.name, named.body.record.value)
  await call('POST', `${at}/domains/evil.example/proof`, { cookie: eve.cookie, body: {} })
  const setup = {
    issuer: hostile.issuer,
    clientId: 'wayleave',
    clientSecret: 'x',
    mode: 'optional',
    roles: [],
    defaultRole: 'viewer',
    acrValues: [],
    secondFactor: 'provider',
  }
  assert.equal((await call('PUT', at, { cookie: eve.cookie, body: setup })).status, 200)
  provider.person = bob
  const visit = await honest.leave('x@evil.example')
  // The hostile provider sends the browser on to the honest one, with the state that it was given.
  const sent = new URL(visit.url)
  const atHonest = new URL((await honest.leave(bob.email)).url)
  atHonest.searchParams.set('state', sent.searchParams.get('state') ?? '')
  const back = provider.authorize(atHonest.href)
  assert.equal((await honest.comeBack(back, visit.visit)).location, '/sign-in?sso=expired')
  const redirected = new URL(back)
  redirected.pathname = new URL(sent.searchParams.get('redirect_uri') ?? '').pathname
  assert.equal((await honest.comeBack(redirected, visit.visit)).location, '/sign-in?sso=provider')
  assert.equal(hostile.redeemed.length, 0, 'no code of the honest one reaches the hostile one')
})

test('a domain is proved by its record or a code from its mail, and belongs to one organisation', async (t) => {
  const records = new Map<string, string>()
  let failures = 1
  const { call, member, mailTo } = await identityUnderTest(t, {
    records,
    env: local,
    whileSending: async ({ to }) => {
      if (to === `postmaster@${domain}` && failures-- > 0) throw new Error('no server took it')
    },
  })
  const ada = await member('ada@example.com')
  const eve = await member('eve@example.com')
  const of = ({ partnerId }: { partnerId: string }) => `/partners/${partnerId}/sso/domains`
  const name = (who: typeof ada, named: string) =>
    call('POST', of(who), { cookie: who.cookie, body: { domain: named } })
  const prove = (who: typeof ada, body: object) =>
    call('POST', `${of(who)}/${domain}/proof`, { cookie: who.cookie, body })
  for (const wrong of ['', 'acme', 'a b.example', '-a.example', 'acme.example.', '*.example'])
    assert.equal((await name(ada, wrong)).status, 400, wrong)
  const mine = await name(ada, 'ACME.example')
  assert.deepEqual([mine.status, mine.body.domain, mine.body.confirmed], [201, domain, false])
  const theirs = await name(eve, domain)
  assert.notEqual(theirs.body.record.value, mine.body.record.value)
  assert.equal((await name(ada, domain)).body.record.value, mine.body.record.value, 'it stays')
  records.set(mine.body.record.name, theirs.body.record.value)
  assert.equal((await prove(ada, {})).body.code, 'INCOMPATIBLE_STATE', 'the record of another')
  for (const code of ['', 'x', mine.body.record.value.split('=')[1]])
    assert.equal((await prove(ada, { code })).status, 400)
  const mail = (mailbox: string) =>
    call('POST', `${of(ada)}/${domain}/mail`, { cookie: ada.cookie, body: { mailbox } })
  assert.equal((await mail('postmaster')).status, 204)
  assert.equal((await mail('ada')).status, 400, 'only mailboxes that are not anybody’s')
  const until = performance.now() + 30_000
  while ((await mailTo(`postmaster@${domain}`)).length === 0) {
    assert.ok(performance.now() < until, 'the mail is not lost')
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
  const code = /^[\w-]{43}$/m.exec((await mailTo(`postmaster@${domain}`))[0] ?? '')?.[0]
  assert.equal((await prove(eve, { code })).status, 400, 'bound to who asked for it')
  const proved = await prove(ada, { code })
  assert.deepEqual([proved.status, proved.body.confirmed], [200, true])
  records.set(theirs.body.record.name, theirs.body.record.value)
  assert.equal((await prove(eve, {})).body.code, 'ALREADY_EXISTS')
  const absent = await call('POST', `${of(ada)}/nobody.example/proof`, {
    cookie: ada.cookie,
    body: {},
  })
  const foreign = await call('POST', `${of(ada)}/${domain}/proof`, { cookie: eve.cookie, body: {} })
  assert.deepEqual([absent.status, foreign.status], [404, 404])
})

test('staff signs in with the provider of the settings, and shows a second factor here where it says so', async (t) => {
  const provider = await testProvider(t)
  const under = await identityUnderTest(t, {
    env: {
      WAYLEAVE_SSO_ISSUER: provider.issuer,
      WAYLEAVE_SSO_CLIENT_ID: provider.clientId,
      WAYLEAVE_SSO_CLIENT_SECRET: provider.clientSecret,
      WAYLEAVE_SSO_DOMAINS: 'operator.example',
      WAYLEAVE_SSO_MODE: 'enforced',
      WAYLEAVE_SSO_ROLE_CLAIM: 'groups',
      WAYLEAVE_SSO_ROLES: 'wl-admins=administrator, wl-audit=auditor',
      WAYLEAVE_SSO_NETWORKS: '127.0.0.0/8',
      WAYLEAVE_STAFF_SECOND_FACTOR: 'require',
    },
  })
  const { call, operator } = under
  const { signInAs } = browserOf(under, provider)
  const grace = await operator()
  const person = { sub: 'g1', email: grace.email, email_verified: true }
  const sso = (claims: object) => signInAs({ ...person, ...claims }, grace.email)
  assert.equal((await sso({ groups: ['others'] })).location, '/console/sign-in?sso=no-role')
  const bare = await sso({ groups: ['wl-admins'] })
  assert.equal(bare.location, '/console')
  const owes = await call('GET', '/operators', { cookie: bare.cookie })
  assert.equal(owes.body.code, 'SECOND_FACTOR_REQUIRED', 'the provider is not trusted with it')
  const signIn = () =>
    call('POST', '/session', { body: { email: grace.email, password: goodPassword } })
  assert.equal((await signIn()).status, 403, 'without a second factor nobody breaks the glass')
  const { cookie } = bare
  const { secret } = (await call('POST', '/factors/totp', { cookie })).body
  const body = { code: codeOf(secret) }
  assert.equal((await call('POST', '/factors/totp/confirm', { cookie, body })).status, 200)
  assert.equal((await signIn()).status, 202, 'an administrator with one does')
  const half = await sso({ groups: ['wl-admins'] })
  assert.deepEqual([half.status, half.cookie], [303, undefined])
  const behind = new URLSearchParams(new URL(half.location, 'http://x').hash.slice(1))
  assert.equal(behind.get('methods'), 'totp recovery-code')
  const done = await call('POST', '/session/second-factor', {
    body: { ticket: behind.get('ticket'), method: 'totp', code: codeOf(secret, 1) },
  })
  assert.equal(done.status, 201)
  assert.equal((await call('GET', '/operators', { cookie: done.cookie })).status, 200)
  const devices = await call('GET', '/sessions', { cookie: done.cookie })
  assert.deepEqual(devices.body.items[0].methods, ['sso', 'totp'])
  const joined = await signInAs(
    { sub: 'a1', email: 'alan@operator.example', email_verified: true, groups: 'wl-audit' },
    grace.email,
  )
  const alan = await call('GET', '/session', { cookie: joined.cookie })
  assert.deepEqual(
    [alan.body.kind, alan.body.role, alan.body.secondFactor],
    ['operator', 'auditor', 'required'],
  )
  const shown = await call('GET', '/operators/sso', { cookie: done.cookie })
  assert.equal(shown.body.provider.issuer, provider.issuer)
  assert.ok(!JSON.stringify(shown.body).includes(provider.clientSecret))
  const ada = await under.member('ada@example.com')
  const taken = await call('POST', `/partners/${ada.partnerId}/sso/domains`, {
    cookie: ada.cookie,
    body: { domain: 'operator.example' },
  })
  assert.equal(taken.status, 400, 'no partner names a domain of the operator')
})
