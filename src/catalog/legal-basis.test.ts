import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { narrowings } from './check-legal-basis.ts'
import { basisIn, compileLegalBases, strictest } from './compile-legal-basis.ts'
import { dpvPurposes, isDpvPurpose, purposeTitle } from './dpv-purposes.ts'
import type { ProductConsent } from './product-consent.ts'

const fraud = 'dpv:FraudPreventionAndDetection'
const marketing = 'dpv:Marketing'
const service = 'dpv:RequestedServiceProvision'

test('the first rule that fits holds for each scope and purpose, and a purpose that is not listed is not allowed', () => {
  const some = [fraud, marketing, service, 'dpv:Verification']
  const scopes = ['a', 'b', 'c']
  const basis = fc.constantFrom('contract', 'legitimate-interest', 'consent')
  const subset = (all: string[]) =>
    fc.option(fc.subarray(all, { minLength: 1 }), { nil: undefined })
  const rule = fc.record({
    purposes: subset(some),
    scopes: subset(scopes),
    basis: fc.oneof(basis, fc.constant('not-allowed')),
  })
  const consents = fc.record({
    basis,
    purposes: subset(some),
    rules: fc.array(rule, { maxLength: 4 }),
  })
  fc.assert(
    fc.property(consents, (given) => {
      const consent = given as ProductConsent
      const { bases } = compileLegalBases(consent, scopes)
      for (const scope of scopes)
        for (const purpose of [...some, 'dpv:AgeVerification']) {
          const fits = consent.rules?.find(
            (r) => (r.scopes?.includes(scope) ?? true) && (r.purposes?.includes(purpose) ?? true),
          )
          const allowed = consent.purposes?.includes(purpose) ?? true
          const expected = allowed ? (fits ?? consent).basis : 'not-allowed'
          assert.ok(bases[scope])
          assert.equal(basisIn(bases[scope], purpose).basis, expected)
        }
    }),
  )
})

test('a token that names no purpose falls under the strictest basis that is allowed', () => {
  const { bases, consent } = compileLegalBases(
    {
      basis: 'contract',
      rules: [
        { purposes: [marketing], basis: 'not-allowed' },
        { purposes: [service], scopes: ['a'], basis: 'consent', expiresAfterDays: 30 },
      ],
    },
    ['a', 'b'],
  )
  assert.deepEqual(bases.a?.none, { basis: 'consent', expiresAfterDays: 30 })
  assert.deepEqual(bases.b?.none, { basis: 'contract' })
  assert.equal(consent, 'consent')
})

test('names that objects have by themselves are no purposes', () => {
  const { bases } = compileLegalBases({ basis: 'contract', purposes: [fraud] }, ['a'])
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.equal(isDpvPurpose(name), false)
    assert.deepEqual(bases.a && basisIn(bases.a, name), { basis: 'not-allowed' })
  }
})

test('of two consents the one that ends first counts, and what is not allowed counts only alone', () => {
  const found = strictest([
    { basis: 'not-allowed' },
    { basis: 'consent', expiresAfterDays: 90, maxTokens: 5 },
    { basis: 'consent', expiresAfterDays: 30 },
    { basis: 'contract' },
  ])
  assert.deepEqual(found, { basis: 'consent', expiresAfterDays: 30, maxTokens: 5 })
  assert.deepEqual(strictest([{ basis: 'not-allowed' }]), { basis: 'not-allowed' })
  assert.deepEqual(strictest([]), { basis: 'not-allowed' })
})

test('a rule that others cover is found, and one that holds somewhere is not', () => {
  const rules: ProductConsent['rules'] = [
    { scopes: ['a'], basis: 'consent' },
    { purposes: [fraud], scopes: ['a'], basis: 'contract' },
    { purposes: [fraud], basis: 'legitimate-interest' },
  ]
  assert.deepEqual(compileLegalBases({ basis: 'contract', rules }, ['a', 'b']).idleRules, [1])
})

test('what partners lose is told for each scope: purposes that go, and consents that come', () => {
  const before = compileLegalBases({ basis: 'contract' }, ['a', 'b']).bases
  const after = compileLegalBases(
    {
      basis: 'contract',
      purposes: dpvPurposes.filter((purpose) => purpose !== marketing),
      rules: [{ scopes: ['b'], purposes: [fraud], basis: 'consent' }],
    },
    ['a', 'b'],
  ).bases
  assert.deepEqual(narrowings(before, after), [
    '`a` may not be used any more for dpv:Marketing',
    '`b` may not be used any more for dpv:Marketing',
    '`b` now needs the subscriber’s consent for dpv:FraudPreventionAndDetection',
  ])
  assert.deepEqual(narrowings(after, before), [])
})

test('a purpose has a title that people read', () => {
  assert.equal(dpvPurposes.length, 95)
  assert.equal(purposeTitle(fraud), 'Fraud prevention and detection')
  assert.equal(purposeTitle('dpv:ProtectionOfIPR'), 'Protection of IPR')
  assert.equal(purposeTitle('dpv:ImproveInternalCRMProcesses'), 'Improve internal CRM processes')
})
