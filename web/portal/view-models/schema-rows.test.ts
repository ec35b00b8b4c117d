import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaRows, typeName } from './schema-rows.ts'

const names = (schema: unknown, defs: Record<string, unknown> = {}): string[] =>
  schemaRows(schema, defs).map((row) => `${'.'.repeat(row.depth)}${row.name}:${row.type}`)

test('an object shows its fields, nested ones below it', () => {
  const schema = {
    type: 'object',
    required: ['area'],
    properties: {
      area: {
        type: 'object',
        properties: { radius: { type: 'integer', minimum: 1, maximum: 2000 } },
      },
      tags: { type: 'array', items: { type: 'string', enum: ['A', 'B'] }, maxItems: 3 },
    },
  }
  const rows = schemaRows(schema, {})
  assert.deepEqual(names(schema), ['area:object', '.radius:integer', 'tags:array of string'])
  assert.equal(rows[0]?.required, true)
  assert.deepEqual(rows[1]?.constraints, ['at least 1', 'at most 2000'])
  assert.deepEqual(rows[2]?.allowed, ['A', 'B'])
  assert.deepEqual(rows[2]?.constraints, ['3 items at most'])
})

test('references are followed, and what stands beside them is kept', () => {
  const defs = { Phone: { type: 'string', pattern: '^\\+', description: 'A number' } }
  const [row] = schemaRows(
    { properties: { phone: { $ref: '#/$defs/Phone', description: 'Of the payer' } } },
    defs,
  )
  assert.equal(row?.type, 'string')
  assert.equal(row?.description, 'Of the payer')
})

test('a schema that contains itself is named once and not opened for ever', () => {
  const defs = {
    Node: {
      type: 'object',
      properties: { name: { type: 'string' }, child: { $ref: '#/$defs/Node' } },
    },
  }
  const rows = schemaRows({ $ref: '#/$defs/Node' }, defs)
  assert.deepEqual(
    rows.map((r) => r.name),
    ['name', 'child'],
  )
  assert.match(rows[1]?.constraints.join() ?? '', /again a Node/)
})

test('allOf is one object, with the required fields of all its parts', () => {
  const defs = {
    Base: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
  }
  const schema = {
    allOf: [{ $ref: '#/$defs/Base' }, { properties: { size: { type: 'integer' } } }],
    required: ['size'],
  }
  const rows = schemaRows(schema, defs)
  assert.deepEqual(
    rows.map((r) => [r.name, r.required]),
    [
      ['id', true],
      ['size', true],
    ],
  )
})

test('the options of a choice are shown with their fields', () => {
  const defs = {
    Circle: { type: 'object', properties: { radius: { type: 'number' } } },
    Polygon: {
      type: 'object',
      properties: { points: { type: 'array', items: { type: 'number' } } },
    },
  }
  const rows = schemaRows(
    { oneOf: [{ $ref: '#/$defs/Circle' }, { $ref: '#/$defs/Polygon' }] },
    defs,
  )
  assert.deepEqual(
    rows.map((r) => [r.choice, r.name, r.depth]),
    [
      ['one of', 'Circle', 0],
      [undefined, 'radius', 1],
      ['one of', 'Polygon', 0],
      [undefined, 'points', 1],
    ],
  )
})

test('"either field is given" is a rule and not a row', () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'string' }, b: { type: 'string' } },
    anyOf: [{ required: ['a'] }, { required: ['b'] }],
  }
  assert.deepEqual(names(schema), ['a:string', 'b:string'])
})

test('both ways to say "or null" are read', () => {
  assert.equal(
    typeName({ type: 'string', format: 'date-time', nullable: true }, {}),
    'string (date-time) or null',
  )
  assert.equal(typeName({ type: ['string', 'null'] }, {}), 'string or null')
  assert.equal(typeName({ anyOf: [{ type: 'integer' }, { type: 'null' }] }, {}), 'integer or null')
})

test('a missing or broken schema has no rows and throws nothing', () => {
  for (const schema of [undefined, null, true, 'x', [], { $ref: '#/$defs/Gone' }])
    assert.deepEqual(schemaRows(schema, {}), [])
})
