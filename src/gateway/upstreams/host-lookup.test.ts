import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { test } from 'node:test'
import { HostLookup } from './host-lookup.ts'

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

/** A name server whose answers come when the test says. */
function setup() {
  const asked: { host: string; answer: Answer }[] = []
  const clock = { nowMs: 0 }
  const lookup = new HostLookup(
    (host, _options, answer) => void asked.push({ host, answer }),
    () => clock.nowMs,
  )
  const find = (host: string, family?: 4 | 6): Promise<string> =>
    new Promise((resolve, reject) => {
      lookup.lookup(host, family === undefined ? {} : { family }, (error, address) =>
        error === null ? resolve(String(address)) : reject(error),
      )
    })
  return { asked, clock, find, lookup }
}
const at = (address: string, family = 4): LookupAddress[] => [{ address, family }]

test('those who ask for one host share a question, and its answer stands for ten seconds', async () => {
  const { asked, clock, find } = setup()
  const both = [find('a'), find('a')]
  assert.equal(asked.length, 1)
  asked[0]?.answer(null, at('10.0.0.1'))
  assert.deepEqual(await Promise.all(both), ['10.0.0.1', '10.0.0.1'])
  clock.nowMs = 9_999
  assert.equal(await find('a'), '10.0.0.1')
  assert.equal(asked.length, 1)
  clock.nowMs = 10_000
  const again = find('a')
  asked[1]?.answer(null, at('10.0.0.2'))
  assert.equal(await again, '10.0.0.2')
})

test('at most two questions are under way: a name server that hangs leaves threads to the others', async () => {
  const { asked, find } = setup()
  const all = ['a', 'b', 'c'].map((host) => find(host))
  assert.deepEqual(
    asked.map(({ host }) => host),
    ['a', 'b'],
  )
  asked[0]?.answer(null, at('10.0.0.1'))
  assert.equal(asked.length, 3)
  asked[1]?.answer(null, at('10.0.0.2'))
  asked[2]?.answer(null, at('10.0.0.3'))
  assert.deepEqual(await Promise.all(all), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
})

test('while nobody answers, or the answer is a failure, the last good one is used', async () => {
  const { asked, clock, find } = setup()
  const first = find('a')
  asked[0]?.answer(null, at('10.0.0.1'))
  await first
  clock.nowMs = 3_600_000
  assert.equal(await find('a'), '10.0.0.1')
  clock.nowMs += 1_000
  assert.equal(await find('a'), '10.0.0.1')
  asked[1]?.answer(Object.assign(new Error('x'), { code: 'EAI_AGAIN' }), [])
  const failed = find('a')
  assert.equal(asked.length, 3)
  asked[2]?.answer(Object.assign(new Error('x'), { code: 'EAI_AGAIN' }), [])
  assert.equal(await failed, '10.0.0.1')
})

test('a host that was never found is a failure, and so is one without an address of the family', async () => {
  const { asked, find } = setup()
  const unknown = find('a')
  asked[0]?.answer(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), [])
  await assert.rejects(unknown, { code: 'ENOTFOUND' })
  const other = find('b', 6)
  asked[1]?.answer(null, at('10.0.0.1'))
  await assert.rejects(other, { code: 'ENOTFOUND' })
})
