import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SnapshotParameter } from '#snapshot'
import { parseQuery } from '../edge/query-string.ts'
import { knownQueryNames, parameterReader } from './parameter-values.ts'

const schemas = {
  Page: { allOf: [{ type: 'integer' }, { minimum: 1 }] },
  Tags: { type: 'array', items: { $ref: '#/$defs/Page' } },
  Span: {
    type: 'object',
    properties: { from: { type: 'integer' }, to: { type: 'string' }, open: { type: 'boolean' } },
  },
}
const ref = (name: string) => ({ $ref: `#/$defs/${name}` })

const read = (
  query: string,
  schema: SnapshotParameter['schema'],
  more: Partial<SnapshotParameter> = {},
): unknown => {
  const parameter: SnapshotParameter = { name: 'p', in: 'query', required: false, schema, ...more }
  const value = parameterReader(parameter, schemas).inQuery(parseQuery(query) ?? [])
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

const cases: [string, SnapshotParameter['schema'], Partial<SnapshotParameter>, unknown][] = [
  ['p=1', { type: 'integer' }, {}, 1],
  ['p=-5', { type: 'integer' }, {}, -5],
  ['p=1', ref('Page'), {}, 1],
  ['p=1e2', { type: 'number' }, {}, 100],
  ['p=1', { type: 'string' }, {}, '1'],
  ['p=1', { type: ['integer', 'string'] }, {}, '1'],
  ['p=true', { type: 'boolean' }, {}, true],
  ['p=', { type: ['integer', 'null'] }, {}, null],
  ['q=1', { type: 'integer' }, {}, undefined],
  ['p=1&p=2', { type: 'integer' }, {}, ['1', '2']],
  ['p=1', ref('Tags'), {}, [1]],
  ['p=1&p=2', ref('Tags'), {}, [1, 2]],
  ['p=1,2', ref('Tags'), {}, ['1,2']],
  ['p=1,2', ref('Tags'), { explode: false }, [1, 2]],
  ['p=a%2Cb,c', { type: 'array', items: { type: 'string' } }, { explode: false }, ['a,b', 'c']],
  ['p=1%202', ref('Tags'), { style: 'spaceDelimited', explode: false }, [1, 2]],
  ['p=1%7C2', ref('Tags'), { style: 'pipeDelimited', explode: false }, [1, 2]],
  ['p[from]=1&p[to]=2', ref('Span'), { style: 'deepObject', explode: true }, { from: 1, to: '2' }],
  ['p%5Bopen%5D=true', ref('Span'), { style: 'deepObject', explode: true }, { open: true }],
  ['p[from]=1&p[from]=2', ref('Span'), { style: 'deepObject' }, { from: [1, 2] }],
  ['p[a][b]=1&p[]=1&p=1', ref('Span'), { style: 'deepObject' }, undefined],
  ['p[__proto__]=1', ref('Span'), { style: 'deepObject' }, undefined],
  ['from=1&to=2&x=3', ref('Span'), {}, { from: 1, to: '2' }],
  ['p=from,1,to,2', ref('Span'), { explode: false }, { from: 1, to: '2' }],
  ['p=from,1,to', ref('Span'), { explode: false }, 'from,1,to'],
]
for (const [query, schema, more, expected] of cases)
  test(`${query} as ${JSON.stringify({ ...(schema as object), ...more })} is ${JSON.stringify(expected)}`, () => {
    if (query.includes('__proto__')) {
      const parameter: SnapshotParameter = {
        name: 'p',
        in: 'query',
        required: false,
        schema,
        ...more,
      }
      const value = parameterReader(parameter, schemas).inQuery(parseQuery(query) ?? [])
      assert.deepEqual(Object.keys(value as object), ['__proto__'])
      assert.equal(Object.getPrototypeOf({}), Object.prototype)
    } else assert.deepEqual(read(query, schema, more), expected)
  })

test('what is no number of JSON stays a text, which a validator refuses', () => {
  for (const text of [
    '',
    ' 1',
    '0x10',
    '1e400',
    'Infinity',
    'NaN',
    '+1',
    '1_0',
    '01',
    '.5',
    '1.',
    '１',
  ])
    assert.equal(
      parameterReader(
        { name: 'p', in: 'query', required: false, schema: { type: 'number' } },
        schemas,
      ).fromText(text),
      text,
    )
})

test('lists and objects of a path or a header come in one text', () => {
  const reader = (schema: SnapshotParameter['schema'], explode?: boolean) =>
    parameterReader(
      { name: 'p', in: 'path', required: true, schema, ...(explode !== undefined && { explode }) },
      schemas,
    )
  assert.deepEqual(reader(ref('Tags')).fromText('1,2'), [1, 2])
  assert.deepEqual(
    { ...(reader(ref('Span')).fromText('from,1,to,2') as object) },
    { from: 1, to: '2' },
  )
  assert.deepEqual(
    { ...(reader(ref('Span'), true).fromText('from=1,to=a=b') as object) },
    { from: 1, to: 'a=b' },
  )
})

test('only names of the document are known, members of its objects among them', () => {
  const known = knownQueryNames(
    [
      { name: 'p', in: 'query', required: false, schema: ref('Span'), style: 'deepObject' },
      { name: 'q', in: 'query', required: false, schema: ref('Span') },
      { name: 'h', in: 'header', required: false, schema: {} },
    ],
    schemas,
  )
  for (const name of ['p[from]', 'p[other]', 'q', 'from', 'to']) assert.ok(known(name), name)
  for (const name of ['p[a][b]', 'p[]', 'px[from]', 'h', 'x', 'constructor', '__proto__'])
    assert.ok(!known(name), name)
})
