import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuthorization } from './create-authorization.ts'
import { assertion, assertionForm, sandboxId, testKey, testServers } from './testing.ts'

test('gives exactly one token for fifty simultaneous uses of one assertion over two servers', async (t) => {
  const { clients, post, issuer } = await testServers(t)
  const key = testKey('ES256', 'k')
  clients.set(sandboxId, { keys: [{ credentialId: 'crd_k', jwk: key.jwk }] })
  for (let round = 0; round < 3; round += 1) {
    const jws = await assertion(key, { iss: sandboxId, sub: sandboxId, aud: issuer('sandbox') })
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post('/sandbox/token', assertionForm(jws))),
    )
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      assert.equal(answer.status, 401)
      assert.equal(answer.body.error, 'invalid_client')
      assert.match(String(answer.body.error_description), /was used before/)
    }
  }
})

test('counts a jti for its own client and environment only', async (t) => {
  const { clients, post, issuer } = await testServers(t)
  const key = testKey('ES256', 'k')
  const keys = [{ credentialId: 'crd_k', jwk: key.jwk }]
  clients.set(sandboxId, { keys })
  const other = 'wl_sbx_zzzzzzzzzzzzzzzzzzzz'
  clients.add({ clientId: other, environment: 'sandbox', keys })
  for (const id of [sandboxId, other]) {
    const jws = await assertion(key, { iss: id, sub: id, aud: issuer('sandbox'), jti: 'same' })
    assert.equal((await post('/sandbox/token', assertionForm(jws))).status, 200)
    assert.equal((await post('/sandbox/token', assertionForm(jws))).status, 401)
  }
})

test('keeps a used assertion until it has expired, and forgets it then', async (t) => {
  const { platform, clients, post, issuer } = await testServers(t, { count: 1 })
  const key = testKey('ES256', 'k')
  clients.set(sandboxId, { keys: [{ credentialId: 'crd_k', jwk: key.jwk }] })
  const jws = await assertion(key, { iss: sandboxId, sub: sandboxId, aud: issuer('sandbox') })
  assert.equal((await post('/sandbox/token', assertionForm(jws))).status, 200)
  const rows = async (): Promise<number> => {
    const { rowCount } = await platform.database.pool.query(
      'select 1 from "authorization".used_assertion',
    )
    return rowCount ?? 0
  }
  const maintainAt = (ms: number) =>
    createAuthorization({ ...platform, clock: { now: () => new Date(Date.now() + ms) } }).maintain()
  await maintainAt(55_000)
  assert.equal(await rows(), 1)
  await maintainAt(70_000)
  assert.equal(await rows(), 0)
})
