import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiEntry, JsonSchema } from '#snapshot'
import { simSwap } from '../testing-entries.ts'
import { ApiValidators } from './api-validators.ts'
import { describeFaults } from './describe-faults.ts'
import { collectFaults } from './undeclared-properties.ts'

const defs: Record<string, JsonSchema> = {
  Key: { type: 'string', pattern: '^[a-z]+$' },
  Point: {
    type: 'object',
    required: ['latitude'],
    properties: { latitude: { type: 'number' }, longitude: { type: 'number' } },
  },
  Circle: {
    allOf: [
      { $ref: '#/$defs/Area' },
      {
        type: 'object',
        properties: { center: { $ref: '#/$defs/Point' }, radius: { type: 'number' } },
      },
    ],
  },
  Area: {
    type: 'object',
    required: ['areaType'],
    properties: { areaType: { type: 'string' } },
    discriminator: { propertyName: 'areaType', mapping: { CIRCLE: '#/components/schemas/Circle' } },
  },
  Tree: {
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#/$defs/Tree' } } },
  },
}

function faultsOf(schema: JsonSchema, value: unknown, profile: ApiEntry['profile'] = '0.8') {
  const [operation] = simSwap('http://upstream').operations
  assert.ok(operation)
  const documented = {
    ...operation,
    requestBody: { required: true, content: { 'application/json': schema } },
  }
  const api = simSwap('http://upstream', { schemas: defs, operations: [documented], profile })
  const validate = new ApiValidators(api).request(documented, 'application/json')
  const errors = validate(value)
  if (errors === undefined) return []
  return describeFaults(collectFaults(value, errors, validate)).map(({ path }) => path)
}

const cases: readonly [string, JsonSchema, unknown, string[]][] = [
  ['a known property', { $ref: '#/$defs/Point' }, { latitude: 1 }, []],
  ['an unknown property', { $ref: '#/$defs/Point' }, { latitude: 1, x: 1 }, ['/x']],
  [
    'properties of several parts of a composition',
    { allOf: [{ $ref: '#/$defs/Point' }, { properties: { name: { type: 'string' } } }] },
    { latitude: 1, name: 'a' },
    [],
  ],
  [
    'an unknown property beside a composition',
    { allOf: [{ $ref: '#/$defs/Point' }, { properties: { name: { type: 'string' } } }] },
    { latitude: 1, nam: 'a' },
    ['/nam'],
  ],
  [
    'an unknown property deep inside',
    { properties: { area: { $ref: '#/$defs/Circle' } } },
    { area: { areaType: 'CIRCLE', center: { latitude: 1, z: 2 } } },
    ['/area/center/z'],
  ],
  [
    'what the discriminator brings',
    { $ref: '#/$defs/Area' },
    { areaType: 'CIRCLE', radius: 1 },
    [],
  ],
  [
    'what another value of the discriminator does not bring',
    { $ref: '#/$defs/Area' },
    { areaType: 'POLYGON', radius: 1 },
    ['/radius'],
  ],
  ['a recursion', { $ref: '#/$defs/Tree' }, { children: [{ children: [{}] }] }, []],
  [
    'an unknown property inside a recursion',
    { $ref: '#/$defs/Tree' },
    { children: [{ children: [{ leaf: 1 }] }] },
    ['/children/0/children/0/leaf'],
  ],
  [
    'unknown properties at several depths, all at once',
    { properties: { area: { $ref: '#/$defs/Circle' } } },
    { area: { areaType: 'CIRCLE', center: { latitude: 1, z: 2 }, y: 1 }, x: 1 },
    ['/area/center/z', '/area/y', '/x'],
  ],
  [
    'a wrong value does not make its neighbours unknown',
    { allOf: [{ $ref: '#/$defs/Point' }, { $ref: '#/$defs/Area' }] },
    { latitude: 'north', longitude: 1, areaType: 'A' },
    ['/latitude'],
  ],
  [
    'a map whose names and contents refer to definitions',
    {
      type: 'object',
      propertyNames: { $ref: '#/$defs/Key' },
      additionalProperties: {
        type: 'string',
        contentMediaType: 'application/json',
        contentSchema: { $ref: '#/$defs/Point' },
      },
      examples: [{ $ref: 'plain data' }],
    },
    { a: '{}' },
    [],
  ],
  [
    'names that their own schema forbids',
    { type: 'object', propertyNames: { $ref: '#/$defs/Key' } },
    { Ab: 1 },
    ['', ''],
  ],
  ['a free map', { type: 'object' }, { anything: { goes: 1 } }, []],
  [
    'a map of a documented kind',
    { type: 'object', additionalProperties: { $ref: '#/$defs/Point' } },
    { a: { latitude: 1 }, b: { latitude: 1, x: 1 } },
    ['/b/x'],
  ],
  [
    'one of two forms',
    {
      oneOf: [
        { $ref: '#/$defs/Point' },
        { required: ['id'], properties: { id: { type: 'string' } } },
      ],
    },
    { id: 'a' },
    [],
  ],
]
for (const [what, schema, value, paths] of cases)
  test(`profile 0.8, ${what}: ${paths.length === 0 ? 'taken' : 'refused'}`, () => {
    assert.deepEqual(faultsOf(schema, value), paths)
  })

test('profile 0.6 ignores unknown properties of a request', () => {
  assert.deepEqual(faultsOf({ $ref: '#/$defs/Point' }, { latitude: 1, x: { y: 1 } }, '0.6'), [])
})

test('a fault names the field and what it must be, never the value or a name that may be a number', () => {
  const [path] = faultsOf({ $ref: '#/$defs/Point' }, { latitude: 1, '+99012345678': 1 })
  assert.equal(path, '/(a name)')
})
