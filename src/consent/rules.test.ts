import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ConsentState } from './face.ts'
import { judge, type Known } from './judge.ts'
import type { LegalBasis } from './needs.ts'
import { living, mayBecome, transitions } from './transitions.ts'

const states = Object.keys(transitions).filter((one) => one !== 'none') as ConsentState[]
const now = new Date('2026-03-01T12:00:00Z')
const ago = (days: number): Date => new Date(now.getTime() - days * 86_400_000)

test('whatever happens in a life: it begins once, ends once, and nothing comes after the end', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...states), { maxLength: 30 }), (wished) => {
      let state: ConsentState | 'none' = 'none'
      let ends = 0
      for (const next of wished) {
        if (!mayBecome(state, next)) continue
        if (state !== 'none') assert.ok(living.includes(state), `${state} had ended`)
        if (next === 'GRANTED') assert.notEqual(state, 'DENIED')
        state = next
        if (!living.includes(next)) ends += 1
      }
      assert.ok(ends <= 1)
    }),
  )
})

test('each state is reached, and each that is not living has no way out', () => {
  const reached = new Set(Object.values(transitions).flat())
  assert.deepEqual([...reached].toSorted(), states.toSorted())
  for (const state of states)
    assert.equal(transitions[state].length === 0, !living.includes(state), state)
})

const known = (state: ConsentState, changes: Partial<Known> = {}): Known => ({
  id: `cns_${state}`,
  scopes: ['a'],
  basis: state === 'OBJECTED' ? 'legitimate-interest' : 'consent',
  state,
  changed_at: ago(0.5),
  granted_at: state === 'GRANTED' || state === 'WITHDRAWN' ? ago(2) : null,
  expires_at: null,
  ...changes,
})

const expected: Record<LegalBasis, Record<ConsentState | 'none', string>> = {
  contract: all('granted'),
  'not-allowed': all('not-allowed'),
  'legitimate-interest': { ...all('granted'), OBJECTED: 'refused objected' },
  consent: {
    ...all('required'),
    GRANTED: 'granted cns_GRANTED',
    DENIED: 'refused denied',
    WITHDRAWN: 'refused withdrawn',
  },
}

function all(text: string): Record<ConsentState | 'none', string> {
  return Object.fromEntries(Object.keys(transitions).map((state) => [state, text])) as never
}

for (const [basis, byState] of Object.entries(expected))
  for (const [state, answer] of Object.entries(byState))
    test(`a scope on ${basis} with a record ${state}: ${answer}`, () => {
      const records = state === 'none' ? [] : [known(state as ConsentState)]
      const asked = [{ scope: 'a', basis: basis as LegalBasis }]
      const decision = judge('production', asked, records, now)
      const more = {
        granted: () => ('consentIds' in decision ? decision.consentIds.join() : ''),
        refused: () => ('reason' in decision ? decision.reason : ''),
        required: () => '',
        'not-allowed': () => '',
      }[decision.status]()
      assert.equal(`${decision.status} ${more}`.trim(), answer)
    })

const anyKnown: fc.Arbitrary<Known> = fc
  .record({
    state: fc.constantFrom(...states),
    scopes: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
    days: fc.double({ min: 0, max: 400, noNaN: true }),
    ends: fc.option(fc.double({ min: -10, max: 10, noNaN: true })),
  })
  .map(({ state, scopes, days, ends }) =>
    known(state, {
      id: `cns_${days}`,
      scopes,
      changed_at: ago(days),
      expires_at: ends === null ? null : ago(ends),
    }),
  )

test('whatever is on record: granted means that a live consent covers each scope that needs one', () => {
  const basis = fc.constantFrom<LegalBasis>(
    'contract',
    'legitimate-interest',
    'consent',
    'not-allowed',
  )
  fc.assert(
    fc.property(
      fc.array(anyKnown, { maxLength: 8 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), basis, { minKeys: 1 }),
      (records, bases) => {
        const asked = Object.entries(bases).map(([scope, of]) => ({ scope, basis: of }))
        const newestFirst = records.toSorted((x, y) => Number(y.changed_at) - Number(x.changed_at))
        const decision = judge('production', asked, newestFirst, now)
        const live = records.filter(
          (one) => one.state === 'GRANTED' && (one.expires_at === null || one.expires_at > now),
        )
        const notAllowed = asked.some((one) => one.basis === 'not-allowed')
        assert.equal(decision.status === 'not-allowed', notAllowed)
        if (decision.status === 'required')
          for (const scope of decision.scopes) {
            assert.equal(bases[scope], 'consent')
            assert.ok(!live.some((one) => one.scopes.includes(scope)))
          }
        if (decision.status !== 'granted') return
        for (const { scope, basis: of } of asked) {
          if (of === 'consent')
            assert.ok(
              live.some(
                ({ id, scopes }) => decision.consentIds.includes(id) && scopes.includes(scope),
              ),
            )
          if (of === 'legitimate-interest')
            assert.ok(
              !records.some((one) => one.state === 'OBJECTED' && one.scopes.includes(scope)),
            )
        }
      },
    ),
  )
})
