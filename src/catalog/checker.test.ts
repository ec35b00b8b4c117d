import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChecker } from './checker.ts'
import { parcelDocument, parcelProduct, replaced } from './testing.ts'

const endless = replaced(
  parcelDocument,
  ["pattern: '^[A-Z]{2}-\\d{3}(?:-x+)?$'", "pattern: '^(a+)+$'"],
  [
    "            schema: { $ref: '#/components/schemas/NewParcel' }\n      callbacks",
    `            schema: { $ref: '#/components/schemas/NewParcel' }\n            example: { secret: longenough, phone: '+990123456789', code: '${'a'.repeat(60)}!', size: S }\n      callbacks`,
  ],
)

test('ends a check that does not end, says so, and does the next one', async (t) => {
  const checker = createChecker({ timeoutMs: 2_500 })
  t.after(() => checker.close())
  const [first, second] = await Promise.all([
    checker.check({ document: endless, product: parcelProduct }),
    checker.check({ document: parcelDocument, product: parcelProduct }),
  ])
  assert.ok(!first.ok)
  assert.match(first.faults[0]?.message ?? '', /takes longer than 2\.5 s/)
  assert.ok(second.ok)
})

test('checks several at once, each for itself', async (t) => {
  const checker = createChecker()
  t.after(() => checker.close())
  const results = await Promise.all(
    ['', parcelDocument, 'a: [', parcelDocument].map((document) =>
      checker.check({ document, product: parcelProduct, documentName: 'x.yaml' }),
    ),
  )
  assert.deepEqual(
    results.map((result) => result.ok),
    [false, true, false, true],
  )
})
