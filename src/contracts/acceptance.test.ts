import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emitted, member, served, testContracts } from './testing.ts'

test('a person who accepts the same text many times at once gets the first evidence each time', async (t) => {
  const { contracts, platform } = await testContracts(t)
  const call = await served(t, platform, contracts.routes)
  const owner = member('prt_1')
  const { id } = (await call(owner, 'GET', '/agreements')).body.items[0]
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => call(owner, 'POST', `/agreements/${id}/acceptances`)),
  )
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [
    ...Array.from({ length: 39 }, () => 200),
    201,
  ])
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer.body))).size, 1)
  const actions = (await emitted(platform, 'audit.action')) as { action: string }[]
  assert.equal(actions.filter(({ action }) => action === 'agreement.accepted').length, 1)
})
