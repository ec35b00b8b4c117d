import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAudit } from '#audit'
import { testDispatcher } from '#platform/testing'
import { expireDue } from './end-consent.ts'
import { testConsent } from './testing.ts'

test('each change of a consent is a leaf of the log with the words that were shown, and whom it is about only in what opens', async (t) => {
  const { platform, question, request, answer, clock, directory, consenting } = await testConsent(t)
  const audit = createAudit(platform)
  testDispatcher(t, platform, [audit.subscriber])
  await answer(request({ locales: ['de-AT'] }), 'allow')
  clock.advance(30 * 86_400_000)
  await expireDue(consenting)
  const [record] = await directory.listOf('production', question.subject)
  assert.ok(record)
  const changesOf = async (id: string) =>
    (
      await platform.database.pool.query<{ id: string }>(
        `select consent_id || '/' || position as id from consent.change where consent_id = $1`,
        [id],
      )
    ).rows
  for (const { id } of await changesOf(record.id))
    assert.ok(await platform.outbox.settledAbout(id, 10_000))
  const { rows } = await platform.database.pool.query<{ id: string; final: boolean }>(
    `select id, final from audit.evidence where kind = 'consent' and about = $1 order by at`,
    [record.id],
  )
  assert.deepEqual(
    rows.map(({ final }) => final),
    [false, false, true],
  )
  const granted = await audit.evidenceOf('consent', rows[1]?.id ?? '')
  assert.ok(granted?.personal !== undefined && granted.personal !== 'erased')
  assert.equal(JSON.parse(granted.personal.values).piiPrincipalId, question.subject)
  assert.ok(!granted.record.includes(question.subject))
  const told = JSON.parse(granted.record)
  assert.equal(told.event.noticeHash, record.textHash)
  assert.equal(told.event.noticeLocale, 'de')
  assert.equal(told.processing.lawfulBasis, 'consent')
  assert.equal((await audit.verifyLog()).ok, true)
})
