import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { generateKeyPairSync, hash } from 'node:crypto'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { Client } from 'pg'
import { createDatabasePool } from '#platform/database'
import { testPlatform, testRoles } from '#platform/testing'
import { machineClock } from '#platform/testing-clock'
import { testFolder } from '#platform/testing-folder'
import { audience, testKey, testUpstream } from '../testing.ts'
import type { ProcessReady, ProcessSettings } from '../testing-process.ts'
import { createProofLedger, ProofMemory } from './proof-ledger.ts'
import { hashOf, testProofKey } from './testing-proofs.ts'

const id = (n: number): string => hash('sha256', `${n}`, 'base64url')

async function ledgerUnderTest(t: TestContext) {
  const platform = await testPlatform(t)
  const urls = await testRoles(platform.database)
  const owner = new Client({ connectionString: platform.database.url })
  await owner.connect()
  t.after(() => owner.end())
  const ledger = (environment: 'sandbox' | 'production' = 'sandbox', gateway = environment) => {
    const pool = createDatabasePool(urls[`gateway_${gateway}`], { applicationName: 'test' })
    t.after(() => pool.close())
    return createProofLedger(pool, environment)
  }
  return { ledger, owner, urls }
}

test('of many claims of one proof, over several gateways, one is the first', async (t) => {
  const { ledger } = await ledgerUnderTest(t)
  const ledgers = [ledger(), ledger(), ledger()]
  for (let round = 0; round < 5; round += 1) {
    // Each asks for the same proofs in an order of its own.
    const proofs = Array.from({ length: 40 }, (_, n) => id(round * 100 + n))
    const claims = await Promise.all(
      ledgers.flatMap((one, at) =>
        [...proofs.slice(at * 7), ...proofs.slice(0, at * 7), ...proofs].map(async (proof) => ({
          proof,
          first: await one.claim(proof),
        })),
      ),
    )
    for (const proof of proofs)
      assert.equal(claims.filter((claim) => claim.first && claim.proof === proof).length, 1)
  }
})

test('the environments do not know of each other, and a role claims in its own only', async (t) => {
  const { ledger } = await ledgerUnderTest(t)
  assert.equal(await ledger('sandbox').claim(id(1)), true)
  assert.equal(await ledger('production').claim(id(1)), true)
  await assert.rejects(ledger('production', 'sandbox').claim(id(2)))
})

test('what is over is removed by the next claims', async (t) => {
  const { ledger, owner } = await ledgerUnderTest(t)
  const one = ledger()
  await Promise.all(Array.from({ length: 300 }, (_, n) => one.claim(id(n))))
  const count = async () =>
    Number((await owner.query('select count(*) from gateway.proof_use')).rows[0].count)
  assert.equal(await count(), 300)
  const { rows } = await owner.query(
    `select min(expires_at) - now() > interval '70 seconds' as kept from gateway.proof_use`,
  )
  assert.deepEqual(rows, [{ kept: true }])
  await owner.query(`update gateway.proof_use set expires_at = now() - interval '1 second'`)
  await one.claim(id(1_000))
  assert.equal(await count(), 1)
})

test('a database that does not answer fails a claim, soon', async (t) => {
  const { ledger, owner } = await ledgerUnderTest(t)
  const one = ledger()
  await one.claim(id(1))
  await owner.query('begin')
  await owner.query('lock table gateway.proof_use')
  const now = await machineClock()
  const startedAt = now()
  await assert.rejects(one.claim(id(2)))
  assert.ok(now() - startedAt < 5_000)
  await owner.query('commit')
})

test('a process remembers every proof for as long as it can be used', () => {
  const step = fc.record({ proof: fc.nat(30), afterMs: fc.nat(50_000) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const memory = new ProofMemory()
      const usedAt = new Map<number, number>()
      let nowMs = 1_000
      for (const { proof, afterMs } of steps) {
        nowMs += afterMs
        const before = usedAt.get(proof)
        const first = memory.add(id(proof), nowMs)
        if (before === undefined) assert.ok(first)
        else if (nowMs - before <= 70_000) assert.equal(first, false)
        if (first) usedAt.set(proof, nowMs)
      }
    }),
  )
})

test('a proof works once on two gateways together, in fifty tries at the same moment', async (t) => {
  const { urls } = await ledgerUnderTest(t)
  const upstream = await testUpstream(t)
  const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
  const start = async (gatewayId: string): Promise<string> => {
    const settings: ProcessSettings = {
      upstreamUrl: upstream.url,
      folder: testFolder(t),
      gatewayId,
      applications: 2,
      tokens: 1,
      terms: {},
      sync: 'never',
      databaseUrl: urls.gateway_sandbox,
      signingKey,
    }
    const entry = fileURLToPath(new URL('../testing-process.ts', import.meta.url))
    const child = fork(entry, [JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    t.after(() => void child.kill('SIGKILL'))
    const [ready] = (await once(child, 'message')) as [ProcessReady]
    return `http://127.0.0.1:${ready.port}/sim-swap/v2/check`
  }
  const addresses = await Promise.all([start('gtw_1'), start('gtw_2')])
  const { jwk, proof } = testProofKey()
  const { x, y } = jwk
  const jkt = hashOf(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
  const token = testKey('key-1', signingKey).token(1, { cnf: { jkt } })
  const call = async (address: string, dpop: string): Promise<number> => {
    const response = await fetch(address, {
      method: 'POST',
      headers: { authorization: `DPoP ${token}`, dpop, 'content-type': 'application/json' },
      body: '{"phoneNumber":"+99012345678"}',
    })
    await response.text()
    return response.status
  }
  const claims = { htu: `${audience}/sim-swap/v2/check`, ath: hashOf(token) }
  for (let round = 0; round < 5; round += 1) {
    const used = proof(claims)
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => call(addresses[i % 2] ?? '', used)),
    )
    assert.deepEqual(answers.sort(), [200, ...Array<number>(49).fill(401)])
    const later = await Promise.all(addresses.map((address) => call(address, used)))
    assert.deepEqual(later, [401, 401])
  }
  assert.equal(upstream.requests.length, 5)
})
