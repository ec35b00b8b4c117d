import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, liveId, liveSecret, sandboxId, sandboxSecret, testServers } from './testing.ts'
import { rememberBases } from './two-legged-basis.ts'

const purpose = 'dpv:FraudPreventionAndDetection'

async function twoLegged(t: Parameters<typeof testServers>[0]) {
  const { post } = await testServers(t, { subscribers: true })
  const ask = async (environment: 'sandbox' | 'production', scope: string) => {
    const own =
      environment === 'sandbox' ? basic(sandboxId, sandboxSecret) : basic(liveId, liveSecret)
    const form = { grant_type: 'client_credentials', scope }
    const { status, body } = await post(`/${environment}/token`, form, own)
    return `${status} ${String(body.error ?? body.scope)}`
  }
  return { ask, post }
}

test('a token that could never be used is refused: no purpose where the answer rests on consent', async (t) => {
  const { ask, post } = await twoLegged(t)
  assert.equal(await ask('production', 'location-verification:verify'), '400 invalid_scope')
  const named = `${purpose} location-verification:verify`
  assert.equal(await ask('production', named), `200 ${named}`)
  assert.equal(await ask('production', 'sim-swap:check'), '200 sim-swap:check')
  const refused = await post(
    '/production/token',
    { grant_type: 'client_credentials', scope: 'location-verification:verify' },
    basic(liveId, liveSecret),
  )
  assert.match(String(refused.body.error_description), /add exactly one, such as dpv:/)
})

test('the first calls in the sandbox need no purpose, and one that is not offered is refused there, too', async (t) => {
  const { ask } = await twoLegged(t)
  assert.equal(
    await ask('sandbox', 'location-verification:verify'),
    '200 location-verification:verify',
  )
  assert.equal(await ask('sandbox', `${purpose} sim-swap:retrieve-date`), '400 invalid_scope')
})

test('a legal basis is asked for again after five seconds', async () => {
  let at = 0
  const asked: string[] = []
  const basisOf = rememberBases(
    async (scope, wanted) => {
      asked.push(`${scope} ${wanted}`)
      return asked.length === 1 ? 'contract' : 'consent'
    },
    () => at,
  )
  assert.equal(await basisOf('a:b', undefined), 'contract')
  at = 4_999
  assert.equal(await basisOf('a:b', undefined), 'contract')
  assert.equal(await basisOf('a:b', purpose), 'consent')
  at = 5_000
  assert.equal(await basisOf('a:b', undefined), 'consent')
  assert.deepEqual(asked, ['a:b undefined', `a:b ${purpose}`, 'a:b undefined'])
})
