import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { faultWords } from './fault-words.ts'

const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true, logger: false }))

const cases: readonly [object, unknown, string][] = [
  [{ minItems: 1 }, [], 'must have at least 1 item'],
  [{ minItems: 2 }, [], 'must have at least 2 items'],
  [{ maxItems: 1 }, [1, 2], 'must have at most 1 item'],
  [{ items: false, prefixItems: [{}] }, [1, 2], 'must have at most 1 item'],
  [{ minLength: 1 }, '', 'must not be empty'],
  [{ minLength: 3 }, 'a', 'must have at least 3 characters'],
  [{ maxLength: 1 }, 'ab', 'must have at most 1 character'],
  [{ minProperties: 1 }, {}, 'must have at least 1 field'],
  [{ maxProperties: 0 }, { a: 1 }, 'must have at most 0 fields'],
  [{ minimum: 1 }, 0, 'must be at least 1'],
  [{ maximum: 1.5 }, 2, 'must be at most 1.5'],
  [{ exclusiveMinimum: 0 }, 0, 'must be greater than 0'],
  [{ exclusiveMaximum: 0 }, 0, 'must be less than 0'],
  [{ multipleOf: 5 }, 3, 'must be a multiple of 5'],
  [{ type: 'integer' }, 'a', 'must be an integer'],
  [{ type: ['string', 'null'] }, 1, 'must be a string or null'],
  [{ type: 'array' }, 1, 'must be a list'],
  [{ enum: ['a', 1] }, 'b', 'must be one of a, 1'],
  [{ const: 'a' }, 'b', 'must be a'],
  [{ pattern: '^a$' }, 'b', 'must match the pattern ^a$'],
  [{ format: 'date-time' }, 'b', 'is not a valid moment (RFC 3339 with a time zone)'],
  [{ uniqueItems: true }, [1, 1], 'must not have the same item twice'],
  [{ contains: { type: 'string' } }, [], 'must have at least 1 item of the documented kind'],
  [{ required: ['a'] }, {}, 'is required'],
  [{ dependentRequired: { a: ['b'] } }, { a: 1 }, 'is required where `a` is given'],
  [{ additionalProperties: false }, { a: 1 }, 'is not known here'],
  [{ unevaluatedProperties: false }, { a: 1 }, 'is not known here'],
  [
    { propertyNames: { maxLength: 1 } },
    { abc: 1 },
    'has a name of a field that must have at most 1 character',
  ],
  [{ not: { type: 'string' } }, 'a', 'has a form that is excluded'],
  [{ oneOf: [{}, {}] }, 'a', 'must match exactly one of the documented forms, and matches several'],
  [{ anyOf: [false] }, 'a', 'is not allowed'],
]

for (const [schema, value, words] of cases)
  test(`${JSON.stringify(schema)} is told in plain words`, () => {
    const validate = ajv.compile(schema)
    assert.equal(validate(value), false)
    const told = (validate.errors ?? []).map(faultWords)
    assert.equal(told[0], words)
    for (const error of validate.errors ?? [])
      assert.doesNotMatch(faultWords(error), /NOT|[<>]=|undefined|NaN|properties/)
  })

test('a keyword that nobody thought of is told without what the validator says of it', () => {
  const error = { keyword: 'other', instancePath: '', schemaPath: '', params: {}, message: 'NOT x' }
  assert.equal(faultWords(error), 'is not valid')
})
