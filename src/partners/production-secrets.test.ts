import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partnersUnderTest, person } from './testing.ts'

test('secrets of production are made and ended only by somebody who proved to be there; those of the sandbox by whoever is signed in', async (t) => {
  const { call, newApplication } = await partnersUnderTest(t)
  const stale = { ...person('prt_1'), stale: true }
  for (const [environment, refusal] of [
    ['sandbox', undefined],
    ['production', 'STEP_UP_REQUIRED'],
  ] as const) {
    const id = await newApplication('prt_1', environment)
    const credentials = `/applications/${id}/credentials`
    const live = (await call(stale, 'GET', credentials)).body.items[0].id
    const changes = [
      ['POST', credentials, { type: 'client_secret' }],
      ['DELETE', `${credentials}/${live}`, undefined],
      ['DELETE', `/applications/${id}`, undefined],
      ['POST', '/applications', { name: 'Another', environment }],
    ] as const
    for (const [method, url, body] of changes) {
      const what = `${method} ${environment}`
      const first = await call(stale, method, url, body)
      assert.equal(first.body?.code, refusal, what)
      if (refusal === undefined) continue
      assert.equal(first.status, 403)
      const token = { ...stale, via: 'token' } as const
      assert.ok((await call(token, method, url, body)).status < 300, `${what} by an API token`)
    }
  }
})
