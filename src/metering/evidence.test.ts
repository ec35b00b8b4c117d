import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { createAudit } from '#audit'
import {
  exchange,
  testFolder,
  testMetering,
  type WrittenSegment,
  writeSegments,
} from './testing.ts'

const legal = {
  basis: 'consent',
  purpose: 'dpv:FraudPreventionAndDetection',
  scopes: ['sim-swap:check'],
  consents: ['cns_1'],
  grant: 'gnt_1',
}
const about = (subject: string) => ({ subject, legal, tokenId: `tok_${subject}`, rules: 3 })

const first = (segments: WrittenSegment[]): WrittenSegment => {
  const [segment] = segments
  assert.ok(segment)
  return segment
}

test('a call about a person is evidence that leads to the root of its segment, and what is personal opens', async (t) => {
  const { platform, metering } = await testMetering(t)
  const audit = createAudit(platform)
  const records = [
    exchange('nobody'),
    ...Array.from({ length: 5 }, (_, i) => exchange(`p${i}`, about(`s${i % 2}`))),
  ]
  const segment = first(await writeSegments(testFolder(t), [records]))
  const result = await metering.intake('sandbox', segment.claim, segment.bytes)
  assert.equal(result.outcome, 'applied')
  const found = await audit.exchangeEvidence('exc_p3')
  assert.ok(found)
  assert.ok(found.personal !== undefined && found.personal !== 'erased')
  assert.deepEqual(JSON.parse(found.personal.values), {
    consents: ['cns_1'],
    grant: 'gnt_1',
    subject: 's1',
    token: 'tok_s1',
  })
  assert.equal(
    hash('sha256', `${found.personal.salt}.${found.personal.values}`),
    JSON.parse(found.record).personal,
  )
  assert.equal(await audit.exchangeEvidence('exc_nobody'), undefined)
})
