import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HeldEntries } from './held-entries.ts'
import type { ContractEntry, SnapshotEntry, SubscriptionEntry } from './schema.ts'

const name = fc.constantFrom('a', 'b', '*', 'UTC', '[]', '{"limit":1,"period":"day"}')
const rate = fc.record({ limit: fc.nat(2), windowSeconds: fc.constantFrom(1, 60) })

const contract = fc.record({
  kind: fc.constant('contract' as const),
  id: name,
  partnerId: name,
  planId: name,
  tier: fc.constantFrom('free' as const, 'paid' as const),
  state: fc.constant('active' as const),
  timeZone: name,
  rate: fc.array(rate, { maxLength: 2 }),
  quota: fc.option(fc.record({ limit: fc.nat(2), period: fc.constant('day' as const) }), {
    nil: undefined,
  }),
})
const subscription = fc.record({
  kind: fc.constant('subscription' as const),
  id: name,
  applicationId: name,
  contractId: name,
  apiId: name,
  state: fc.constant('active' as const),
})
const application = fc.record({
  kind: fc.constant('application' as const),
  id: name,
  clientId: name,
  partnerId: name,
  state: fc.constant('active' as const),
  credentialIds: fc.array(name, { maxLength: 2 }),
  apiKeys: fc.constant([]),
})
const steps = fc.array(
  fc.record({ entry: fc.oneof(contract, subscription, application), gone: fc.boolean() }),
  { maxLength: 30 },
)

test('what is held says what was put last, whatever entries have in common', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const held = new HeldEntries()
      const expected = new Map<string, SnapshotEntry>()
      for (const { entry, gone } of history) {
        const key = `${entry.kind} ${entry.id}`
        if (gone) {
          held.delete(entry.kind, entry.id)
          expected.delete(key)
          continue
        }
        expected.set(key, structuredClone(entry))
        held.put(entry.kind, entry.id, structuredClone(entry))
      }
      const found = Array.from(held.values(), (entry) => [`${entry.kind} ${entry.id}`, entry])
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected))
    }),
  )
})

test('contracts of one plan hold its limits once, and an entry that changes gets the new ones', () => {
  const held = new HeldEntries()
  const of = (id: string, limit: number): ContractEntry => ({
    ...{ kind: 'contract', id, partnerId: id, planId: 'pln_1', tier: 'paid', state: 'active' },
    ...{ timeZone: 'UTC', rate: [{ limit, windowSeconds: 1 }], quota: { limit, period: 'day' } },
  })
  const [one, two, changed] = [of('ctr_1', 5), of('ctr_2', 5), of('ctr_1', 6)]
  held.put('contract', one.id, one)
  held.put('contract', two.id, two)
  assert.equal(one.rate, two.rate)
  assert.equal(one.quota, two.quota)
  held.put('contract', changed.id, changed)
  assert.deepEqual([changed.rate[0]?.limit, two.rate[0]?.limit, one.rate[0]?.limit], [6, 5, 5])
})

test('an entry that lacks its parts is held as it is', () => {
  const held = new HeldEntries()
  const broken = { kind: 'contract', id: 'ctr_1' } as ContractEntry
  const odd = { kind: 'subscription', id: 'sub_1', apiId: 7 } as unknown as SubscriptionEntry
  held.put('contract', broken.id, broken)
  held.put('subscription', odd.id, odd)
  assert.equal(
    JSON.stringify([...held.values()]),
    '[{"kind":"contract","id":"ctr_1"},{"kind":"subscription","id":"sub_1","apiId":7}]',
  )
})
