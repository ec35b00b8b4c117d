import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  cutAt,
  cuts,
  NodeReader,
  type Reading,
  readByUs,
  streamsOfBytes,
} from './testing-request-oracle.ts'

const seed = 20_260_301

/** What of a reading does not depend on cuts: the body that a fault ends is nobody's. */
const plain = ({ requests, fault }: Reading): unknown =>
  requests.map((one) => (one.whole || !fault ? one : { ...one, body: '' }))

test('whatever is taken for a request, Node takes for the same one: line, fields, body and end', async () => {
  const node = new NodeReader()
  let taken = 0
  let refused = 0
  await fc.assert(
    fc.asyncProperty(streamsOfBytes, async (bytes) => {
      const ours = readByUs([bytes])
      const theirs = await node.read(bytes)
      const shown = JSON.stringify(bytes.toString('latin1'))
      taken += ours.requests.length
      if (ours.fault) refused += 1
      for (const [i, request] of ours.requests.entries()) {
        const other = theirs.requests[i]
        assert.ok(other !== undefined, `only we see request ${i} of ${shown}`)
        // The last one may go on: what of its body is there is told at different times.
        if (!request.whole)
          assert.deepEqual({ ...other, body: '', whole: false }, { ...request, body: '' }, shown)
        else assert.deepEqual(other, request, shown)
      }
      // Nothing is passed over in silence: what we do not refuse has no request more.
      if (!ours.fault && !ours.closes)
        assert.equal(theirs.requests.length, ours.requests.length, shown)
    }),
    { numRuns: 2_000, seed, endOnFailure: true },
  )
  assert.ok(taken > 1_000 && refused > 500, `${taken} taken, ${refused} refused`)
})

test('bytes read the same however they are cut', () => {
  fc.assert(
    fc.property(streamsOfBytes, cuts, (bytes, places) => {
      const [whole, cut] = [readByUs([bytes]), readByUs(cutAt(bytes, places))]
      assert.deepEqual(plain(cut), plain(whole))
      assert.equal(cut.fault, whole.fault)
      const single = readByUs(Array.from(bytes, (byte) => Buffer.of(byte)))
      assert.deepEqual(plain(single), plain(whole))
      assert.equal(single.fault, whole.fault)
    }),
    { numRuns: 2_000, seed, endOnFailure: true },
  )
})

const head = 'POST /a HTTP/1.1\r\nhost: h\r\n'
const faults: readonly [string, string][] = [
  ['bytes that cannot begin a request', '\x16\x03\x01'],
  ['a method in lower case', 'post'],
  ['a line feed that is bare, before the head is whole', 'GET / HTTP/1.1\nhost: h\n'],
  ['a NUL, before the head is whole', `${head}x: \0`],
  ['two empty lines before it', '\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
  ['a head that is too long, before it is whole', `${head}x: ${'a'.repeat(16_384)}`],
  ['a coding in HTTP/1.0', 'POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a length and a coding', `${head}content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n`],
  ['a length twice', `${head}content-length: 0\r\ncontent-length: 0\r\n\r\n`],
  ['a length that is not exact', `${head}content-length: 99999999999999999\r\n\r\n`],
  ['a trailer that would frame', `${head}transfer-encoding: chunked\r\n\r\n0\r\nhost: a\r\n\r\n`],
  ['a size of nine digits', `${head}transfer-encoding: chunked\r\n\r\n000000001\r\na\r\n`],
]
for (const [what, text] of faults)
  test(`${what} is a fault at once`, () => {
    assert.equal(readByUs([Buffer.from(text, 'latin1')]).fault, true)
  })

test('a head that comes again, whole or in part, reads as if it were the first', () => {
  const one = `${head}x-correlator: a-first-correlator\r\ncontent-length: 2\r\n\r\nab`
  const other = one.replace('a-first', 'another')
  const shorter = `${head}content-length: 0\r\n\r\n`
  const all = [one, one, other, shorter, one, other]
  const together = readByUs([Buffer.from(all.join(''))])
  const apart = all.map((text) => readByUs([Buffer.from(text)]).requests[0])
  assert.deepEqual(together.requests, apart)
})
