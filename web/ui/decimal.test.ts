import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sumDecimals } from './decimal.ts'
import { amountText, decimalText, isZero, priceText } from './format.ts'

test('a sum is exact where floating point is not', () => {
  assert.equal(sumDecimals(['0.1', '0.2']), '0.3')
  assert.equal(sumDecimals(['9007199254740993', '0.0000000001']), '9007199254740993.0000000001')
  assert.equal(sumDecimals(['-0.5', '0.25']), '-0.25')
  assert.equal(sumDecimals([]), '0')
})

test('a sum agrees with integers of the smallest unit, for any amounts', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n })), (units) => {
      const text = (v: bigint): string => {
        const digits = (v < 0n ? -v : v).toString().padStart(5, '0')
        return `${v < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`
      }
      const expected = units.reduce((a, b) => a + b, 0n)
      assert.equal(
        BigInt(sumDecimals(units.map(text)).replace('.', '')),
        expected * (units.length === 0 ? 0n : 1n),
      )
    }),
  )
})

test('an amount is shown without rounding, with at least two decimals', () => {
  assert.equal(decimalText('0.0200'), '0.02')
  assert.equal(decimalText('0.0125'), '0.0125')
  assert.equal(decimalText('1234567.5'), '1\u202f234\u202f567.50')
  assert.equal(amountText('0', 'EUR'), '0.00 EUR')
  assert.equal(priceText('0.00', 'EUR'), 'free')
  assert.equal(isZero('0.0001'), false)
})
