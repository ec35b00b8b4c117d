import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '#platform/app-error'
import { isCheckedText } from '#platform/checked-text'
import { makeCertificate } from '#platform/testing-certificates'
import { acceptClientCertificate } from './client-certificate.ts'
import { partnersUnderTest, person } from './testing.ts'

const owner = person('prt_1')
const good = await makeCertificate({ name: 'CN=api.bank.example', dnsNames: ['api.bank.example'] })
type Body = Record<string, unknown> & { violations: { path: string }[] }

async function applicationUnderTest(t: Parameters<typeof partnersUnderTest>[0]) {
  const under = await partnersUnderTest(t)
  const id = await under.newApplication('prt_1')
  const add = (body: object, application = id): Promise<{ status: number; body: Body }> =>
    under.call(owner, 'POST', `/applications/${application}/credentials`, body)
  return { ...under, id, add }
}

test('an API key tells its environment, is shown once, and only its hash is kept', async (t) => {
  const { call, add, id, partners, platform, newApplication, db } = await applicationUnderTest(t)
  const made = await add({ type: 'api_key' })
  const key = String(made.body.apiKey)
  assert.equal(made.status, 201)
  assert.match(key, /^wl_sbx_key_[0-9A-Za-z]{49}$/)
  assert.ok(isCheckedText(key))
  assert.equal(made.body.clientSecret, undefined)
  assert.equal(made.body.hint, `${key.slice(0, 15)}…`)
  const list = await call(owner, 'GET', `/applications/${id}/credentials`)
  assert.ok(!JSON.stringify(list.body).includes(key.slice(0, 20)))
  const rows = JSON.stringify(await db.selectFrom('partners.credential').selectAll().execute())
  assert.ok(!rows.includes(key.slice(0, 20)))
  const hash = platform.sealing.child('gateway:sandbox').keyedHash('api-key', key)
  const entry = (await partners.applicationEntry(id))?.entry
  assert.deepEqual(entry?.apiKeys, [{ credentialId: made.body.id, hash }])
  assert.ok(entry.credentialIds.includes(String(made.body.id)))
  const client = await partners.findClient(String(made.body.clientId), 'sandbox')
  assert.ok(client?.secrets.every((secret) => secret.credentialId !== made.body.id))
  const live = await add({ type: 'api_key' }, await newApplication('prt_1', 'production'))
  assert.match(String(live.body.apiKey), /^wl_live_key_/)
})

test('two API keys live side by side; a third waits until one was deleted', async (t) => {
  const { call, add, id, partners } = await applicationUnderTest(t)
  const answers = await Promise.all(Array.from({ length: 8 }, () => add({ type: 'api_key' })))
  const made = answers.filter(({ status }) => status === 201)
  assert.deepEqual(
    answers.map(({ status }) => status).sort(),
    [201, 201, 409, 409, 409, 409, 409, 409],
  )
  const first = made[0]?.body.id
  assert.equal(
    (await call(owner, 'DELETE', `/applications/${id}/credentials/${first}`)).status,
    204,
  )
  const entry = (await partners.applicationEntry(id))?.entry
  assert.deepEqual(
    entry?.apiKeys?.map((key) => key.credentialId),
    [made[1]?.body.id],
  )
  assert.equal((await add({ type: 'api_key' })).status, 201)
})

test('a certificate is known by its thumbprint, and told with its name and its end', async (t) => {
  const { call, add, id, partners } = await applicationUnderTest(t)
  const made = await add({ type: 'client_certificate', certificate: good.pem })
  assert.equal(made.status, 201)
  assert.equal(made.body.thumbprint, good.thumbprint)
  assert.equal(made.body.hint, 'api.bank.example')
  assert.ok(Date.parse(String(made.body.expiresAt)) > Date.now())
  const none = await add({ type: 'client_certificate' })
  assert.equal(none.status, 400)
  assert.equal(none.body.violations.length, 1)
  const again = await add({ type: 'client_certificate', certificate: good.pem })
  assert.equal(again.status, 409)
  const name = { type: 'client_certificate', subjectAlternativeName: 'DNS:API.Bank.example' }
  const named = await add(name)
  assert.equal(named.body.subjectAlternativeName, 'DNS:api.bank.example')
  assert.equal((await add(name)).status, 409)
  const certificates = (await partners.applicationEntry(id))?.entry.certificates
  assert.deepEqual(certificates, [
    { credentialId: made.body.id, thumbprint: good.thumbprint, notAfter: made.body.expiresAt },
    { credentialId: named.body.id, subjectAlternativeName: 'DNS:api.bank.example' },
  ])
  const path = `/applications/${id}/credentials/${made.body.id}`
  assert.equal((await call(owner, 'DELETE', path)).status, 204)
  assert.equal((await partners.applicationEntry(id))?.entry.certificates?.length, 1)
})

test('one certificate does not serve both environments of a partner, also not at the same moment', async (t) => {
  const { add, newApplication } = await applicationUnderTest(t)
  const production = await newApplication('prt_1', 'production')
  const sandbox = await newApplication('prt_1')
  const body = { type: 'client_certificate', certificate: good.pem }
  const answers = await Promise.all([add(body, production), add(body, sandbox)])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409])
})

const expired = await makeCertificate({ notAfter: new Date(Date.now() - 1_000) })
const weak = await makeCertificate({ kind: 'RSA-1024', notAfter: new Date(Date.now() - 1_000) })
const weakHash = await makeCertificate({ kind: 'RSA-2048 SHA-1' })
for (const [what, body, message] of [
  ['nothing', {}, /either certificate/],
  [
    'both',
    { certificate: good.pem, subjectAlternativeName: 'DNS:a.example' },
    /either certificate/,
  ],
  ['a text', { certificate: 'hello' }, /must be PEM/],
  ['a damaged block', { certificate: good.pem.replace('MII', 'AII') }, /cannot be read/],
  ['a block that does not end', { certificate: good.pem.slice(0, 300) }, /cannot be read/],
  ['a chain', { certificate: good.pem + good.pem }, /without its chain/],
  ['a private key', { certificate: good.pem + good.key }, /leaked/],
  ['one that has expired', { certificate: expired.pem }, /expired/],
  ['one with two faults', { certificate: weak.pem }, /1024 bits.*expired/],
  ['one that is signed with SHA-1', { certificate: weakHash.pem }, /weak or unknown/],
  [
    'a name without its kind',
    { subjectAlternativeName: 'a.example' },
    /DNS name without a wildcard/,
  ],
  ['a wildcard', { subjectAlternativeName: 'DNS:*.a.example' }, /DNS name without a wildcard/],
  ['an address', { subjectAlternativeName: 'IP:10.0.0.1' }, /DNS name without a wildcard/],
] as const)
  test(`as a client certificate ${what} is refused, with what is wrong`, () => {
    assert.throws(
      () => acceptClientCertificate(body, new Date()),
      (error) =>
        error instanceof AppError &&
        error.status === 400 &&
        message.test(error.message) &&
        (error.violations?.length ?? 0) > 0 &&
        !error.message.includes(good.pem.slice(40, 60)),
    )
  })

test('who may only look makes no keys, and another partner sees nothing', async (t) => {
  const { call, id } = await applicationUnderTest(t)
  const path = `/applications/${id}/credentials`
  const body = { type: 'api_key' }
  assert.equal((await call(person('prt_1', 'viewer'), 'POST', path, body)).status, 403)
  assert.equal((await call(person('prt_2'), 'POST', path, body)).status, 404)
  assert.equal((await call(person('prt_2'), 'GET', path)).status, 404)
})
