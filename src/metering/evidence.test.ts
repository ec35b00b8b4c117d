import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { sql } from 'kysely'
import { createAudit } from '#audit'
import { testFolder } from '#platform/testing-folder'
import { meteringEraser } from './erase-subject.ts'
import { exchange, testMetering, type WrittenSegment, writeSegments } from './testing.ts'

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

test('whatever text a record has comes back as it was, in sums, evidence and its verification', async (t) => {
  const { platform, metering } = await testMetering(t)
  const audit = createAudit(platform)
  const texts = [
    '\\.',
    '\\N',
    'a\tb\nc\rd\\',
    'a\n\\.\n',
    `",'{}\\"`,
    'NULL',
    '\u2028\b\u007f',
    '😀'.repeat(15),
  ]
  const records = texts.map((text, i) => ({
    ...exchange('', { ...about(`${i}${text}`), id: `${i}${text}`, correlator: text }),
    ...{ partnerId: text, apiId: text, reason: text, masked: [text, text] },
    legal: { basis: 'consent', purpose: text, grant: text, scopes: [text], consents: [text] },
  }))
  const segment = first(await writeSegments(testFolder(t), [records]))
  const result = await metering.intake('sandbox', segment.claim, segment.bytes)
  assert.deepEqual(result, { outcome: 'applied', records: texts.length, duplicates: 0 })
  const { rows } = await sql`
    select id, correlator, partner_id as "partnerId", reason, subject, masked, legal from metering.exchange order by position`.execute(
    platform.database.as<unknown>(),
  )
  assert.deepEqual(
    rows,
    records.map(({ id, correlator, partnerId, reason, subject, masked, legal: own }) => ({
      ...{ id, correlator, partnerId, reason, subject, masked, legal: own },
    })),
  )
  for (const { id, reason } of records) {
    const found = await audit.exchangeEvidence(id)
    assert.equal(found && JSON.parse(found.record).reason, reason)
  }
  const verified = await audit.verifyLog()
  assert.equal(verified.ok, true, JSON.stringify(verified))
})

test('a subscriber is erased from calls, whatever a gateway says beside their legal basis', async (t) => {
  const { platform, metering } = await testMetering(t)
  const more = { ...legal, other: '\u0000 and more' }
  const record = exchange('1', { ...about('s1'), legal: more })
  const segment = first(await writeSegments(testFolder(t), [[record]]))
  assert.equal((await metering.intake('sandbox', segment.claim, segment.bytes)).outcome, 'applied')
  const db = platform.database.as<unknown>()
  const whom = { environment: 'sandbox', pseudonym: 's1' } as const
  const erased = await db.transaction().execute((trx) => meteringEraser.erase(trx, whom))
  assert.deepEqual(erased, { 'metering.exchange': 1 })
  const { rows } = await sql`select subject, correlator, legal from metering.exchange`.execute(db)
  const { basis, purpose, scopes } = legal
  assert.deepEqual(rows, [{ subject: null, correlator: '', legal: { basis, purpose, scopes } }])
})
