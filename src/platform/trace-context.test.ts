import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTraceparent, parseTracestate, traceparentOf } from './trace-context.ts'

const digits = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((parts) => parts.join(''))
const traceId = digits(32).filter((id) => !/^0+$/.test(id))
const spanId = digits(16).filter((id) => !/^0+$/.test(id))

test('reads what it writes, whatever the ids', () => {
  fc.assert(
    fc.property(traceId, spanId, fc.boolean(), (trace, span, sampled) => {
      assert.deepEqual(parseTraceparent(traceparentOf(trace, span, sampled)), {
        traceId: trace,
        parentId: span,
        sampled,
      })
    }),
  )
})

test('one character more, less or other in a version 00 field makes it no field', () => {
  fc.assert(
    fc.property(traceId, spanId, fc.nat(54), fc.constantFrom(...' ,;_gGA.-é'), (t, s, at, odd) => {
      const field = traceparentOf(t, s, true)
      const changed = field.slice(0, at) + odd + field.slice(at + 1)
      if (changed !== field) assert.equal(parseTraceparent(changed), undefined)
      assert.equal(parseTraceparent(field.slice(0, at)), undefined)
      assert.equal(parseTraceparent(`${field}${odd}`), undefined)
    }),
  )
})

test('any text at all is read or refused, and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseTraceparent(text)
      parseTracestate(text)
    }),
  )
})

const id = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'

const refused: Record<string, string> = {
  'an all-zero trace id': `00-${'0'.repeat(32)}-${span}-01`,
  'an all-zero parent id': `00-${id}-${'0'.repeat(16)}-01`,
  'the forbidden version ff': `ff-${id}-${span}-01`,
  'capital digits': `00-${id.toUpperCase()}-${span}-01`,
  'a version 00 that goes on': `00-${id}-${span}-01-more`,
  'a later version that goes on without a hyphen': `01-${id}-${span}-01more`,
  'two fields that were joined': `00-${id}-${span}-01, 00-${id}-${span}-01`,
  'flags that are no digits': `00-${id}-${span}-0x`,
  nothing: '',
}
for (const [what, field] of Object.entries(refused)) {
  test(`refuses ${what}`, () => {
    assert.equal(parseTraceparent(field), undefined)
  })
}

test('reads a later version as far as version 00 goes, with and without more behind it', () => {
  for (const field of [`01-${id}-${span}-01`, `cc-${id}-${span}-01-what-is-to-come`])
    assert.deepEqual(parseTraceparent(field), { traceId: id, parentId: span, sampled: true })
})

test('takes only the lowest flag for sampled', () => {
  assert.equal(parseTraceparent(`00-${id}-${span}-02`)?.sampled, false)
  assert.equal(parseTraceparent(`00-${id}-${span}-ff`)?.sampled, true)
})

test('keeps a sound tracestate in its order, without the space and the empty members', () => {
  assert.equal(
    parseTracestate('rojo=00f067aa0ba902b7 , ,\tcongo=t61rcWkgMzE,a-b_c*d/e=x y!'),
    'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,a-b_c*d/e=x y!',
  )
  assert.equal(parseTracestate('0tenant@vendor=v'), '0tenant@vendor=v')
})

test('drops a tracestate whole when a member breaks the grammar', () => {
  for (const field of [
    'Rojo=1',
    '0rojo=1',
    'rojo',
    'rojo=',
    '=1',
    'rojo=a=b',
    'rojo=1,rojo=2',
    `rojo=${'x'.repeat(257)}`,
    `${'k'.repeat(257)}=1`,
    `${'t'.repeat(242)}@v=1`,
    `t@${'v'.repeat(15)}=1`,
    'rojo=\u00e9',
    Array.from({ length: 33 }, (_, n) => `k${n}=1`).join(','),
    '',
    ' , ',
  ])
    assert.equal(parseTracestate(field), undefined, field)
})

test('a tracestate never leaves longer than 512 characters; long members go first, then the oldest', () => {
  const long = `long=${'x'.repeat(200)}`
  const short = Array.from({ length: 31 }, (_, n) => `k${n}=${'y'.repeat(10)}`)
  const kept = parseTracestate([long, ...short].join(',')) ?? ''
  assert.ok(kept.length <= 512)
  assert.ok(!kept.includes('long='))
  assert.ok(kept.startsWith('k0='))
})
