import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { testConsent } from './testing.ts'

test('a decision reads what one subscriber said to one application by an index, however many there are', async (t) => {
  const { consenting, question, directory } = await testConsent(t)
  const { db } = consenting
  await sql`
    insert into consent.consent (id, environment, subject, application_id, application_name, partner_id,
      partner_name, purpose, scopes, basis, state, created_at, changed_at)
    select 'cns_' || n, 'production', 'subject ' || n % 5000, 'app_' || n % 7, 'Taxi', 'prt_1', 'Rides',
      'dpv:Marketing', '{a}', 'consent', 'DENIED', now(), now()
    from generate_series(1, 30000) n`.execute(db)
  await sql`analyze consent.consent`.execute(db)
  const { rows } = await sql<{ 'QUERY PLAN': string }>`
    explain select * from consent.consent
    where environment = 'production' and subject = ${question.subject}
      and application_id = ${question.applicationId} and purpose = ${question.purpose}`.execute(db)
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  assert.match(plan, /Index Scan|Bitmap Index Scan/)
  assert.doesNotMatch(plan, /Seq Scan/)
  assert.equal((await directory.decide(question)).status, 'required')
})
