import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RevocationEntry } from '#snapshot'
import { customer, sealing, testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

const key = testKey()
const subject = { sbj: sealing.seal('+99012345678', 'subject:wl_sbx_1') }
const revocation = (id: string): RevocationEntry => ({ kind: 'revocation', id })

async function setup(t: Parameters<typeof testUpstream>[0]) {
  const upstream = await testUpstream(t)
  const started = await testGateway(t, [simSwap(upstream.url), key.entry, ...customer(1)])
  const send = (token: string) =>
    fetch(`${started.url}/sim-swap/v2/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
    })
  return { ...started, upstream, send }
}

test('a token ends with its grant, with itself, and with any consent that it rests on', async (t) => {
  const { send, snapshot } = await setup(t)
  const cases: [Record<string, unknown>, string, number, string][] = [
    [{ gnt: 'gnt_1' }, 'gnt_1', 401, 'UNAUTHENTICATED'],
    [{ jti: 'a', gnt: 'gnt_2' }, 'jti:a', 401, 'UNAUTHENTICATED'],
    [{ cns: ['cns_1', 'cns_2'] }, 'cns_2', 403, 'PERMISSION_DENIED'],
  ]
  for (const [claims, revoked, status, code] of cases) {
    const token = key.token(1, { ...subject, ...claims })
    assert.equal((await send(token)).status, 200, revoked)
    snapshot.put(revocation(revoked))
    const refused = await send(token)
    assert.equal(refused.status, status, revoked)
    assert.equal(((await refused.json()) as { code: string }).code, code)
    snapshot.remove(revocation(revoked))
    assert.equal((await send(token)).status, 200, 'a revocation that is taken back is forgotten')
  }
})

test('what is revoked ends no other token', async (t) => {
  const { send, snapshot } = await setup(t)
  for (const id of ['gnt_1', 'jti:a', 'cns_1', 'a', 'jti:cns_2']) snapshot.put(revocation(id))
  const token = key.token(1, { ...subject, gnt: 'a', jti: 'gnt_1', cns: ['cns_2'] })
  assert.equal((await send(token)).status, 401, 'a grant that was ended under its own name')
  const good = key.token(1, { ...subject, gnt: 'gnt_3', jti: 'b', cns: ['cns_2'] })
  assert.equal((await send(good)).status, 200)
})

test('a token whose claims about consent have another form is none', async (t) => {
  const { send } = await setup(t)
  for (const claims of [
    { cns: 'cns_1' },
    { cns: [1] },
    { gnt: 1 },
    { jti: {} },
    { amr: 'nbma' },
    { pur: 7 },
  ])
    assert.equal(
      (await send(key.token(1, { ...subject, ...claims }))).status,
      401,
      JSON.stringify(claims),
    )
})
