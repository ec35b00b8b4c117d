import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { lockSubject } from './begin-capture.ts'
import { createConsentDirectory } from './create-directory.ts'
import { endConsentsOf, expireDue } from './end-consent.ts'
import { consentEraser } from './erase-subject.ts'
import { CaptureRefused, type CaptureRequest } from './face.ts'
import { noteUses } from './store.ts'
import type { ConsentTables } from './tables.ts'
import { testConsent } from './testing.ts'

const refusedFor = (reason: CaptureRefused['reason']) => (error: unknown) =>
  error instanceof CaptureRefused && error.reason === reason

test('what a subscriber allowed is granted, with the words that were shown, until its time is over', async (t) => {
  const { directory, question, request, answer, clock, history, consenting } = await testConsent(t)
  assert.deepEqual(await directory.decide(question), {
    status: 'required',
    scopes: question.scopes,
  })
  const decision = await answer(request({ locales: ['de-AT'] }), 'allow')
  const [record] = await directory.listOf('production', question.subject)
  assert.deepEqual(decision, { status: 'granted', consentIds: [record?.id] })
  assert.deepEqual(await directory.decide(question), decision)
  assert.equal(record?.locale, 'de')
  assert.match(record?.textHash ?? '', /^[\w-]{43}$/)
  assert.equal(record?.expiresAt?.toISOString(), '2026-03-31T12:00:00.000Z')
  clock.advance(30 * 86_400_000 - 1)
  assert.equal((await directory.decide(question)).status, 'granted')
  clock.advance(1)
  assert.equal((await directory.decide(question)).status, 'required', 'before the job came by')
  assert.equal(await expireDue(consenting), 1)
  assert.deepEqual(await history(record?.id ?? ''), [
    'none PENDING partner',
    'PENDING GRANTED subscriber',
    'GRANTED EXPIRED system',
  ])
  const again = await answer(request(), 'allow')
  assert.ok(again.status === 'granted' && again.consentIds[0] !== record?.id, 'a new id')
})

test('of fifty simultaneous answers to one question one counts', async (t) => {
  const { directory, request, platform } = await testConsent(t)
  const { token } = await directory.beginCapture(request())
  const view = await directory.openCapture(token)
  const evidence = { method: 'network', textHash: view?.textHash ?? '', locale: 'en' }
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, i) =>
      directory.answerCapture(token, i % 2 === 0 ? 'allow' : 'refuse', evidence),
    ),
  )
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const result of results)
    if (result.status === 'rejected') assert.ok(refusedFor('answered')(result.reason))
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from consent.change where to_state in ('GRANTED', 'DENIED')`.execute(
    platform.database.as<unknown>(),
  )
  assert.equal(rows[0]?.n, 1)
  assert.equal(await directory.openCapture(token), undefined)
})

test('an answer that meets the erasure of its subscriber comes to nothing, and ends neither', async (t) => {
  const { directory, request, platform, needs } = await testConsent(t)
  const { token } = await directory.beginCapture(request())
  const view = await directory.openCapture(token)
  const evidence = { method: 'network', textHash: view?.textHash ?? '', locale: 'en' }
  const { environment, subject } = request()
  let answered: Promise<PromiseSettledResult<unknown>[]> = Promise.resolve([])
  const db = platform.database.as<ConsentTables>()
  await db.transaction().execute(async (trx) => {
    // As the eraser does it, with the answer in between.
    await lockSubject(trx, { environment, subject })
    answered = Promise.allSettled([directory.answerCapture(token, 'allow', evidence)])
    for (const until = Date.now() + 30_000; ; await delay(5)) {
      const { rows } = await sql`
        select from pg_locks where not granted and locktype = 'advisory'
          and database = (select oid from pg_database where datname = current_database())`.execute(
        db,
      )
      if (rows.length > 0) break
      assert.ok(Date.now() < until, 'the answer waits')
    }
    const whom = { environment, pseudonym: subject }
    await consentEraser(platform, needs).erase(trx as never, whom)
  })
  const [result] = await answered
  assert.ok(result?.status === 'rejected' && refusedFor('answered')(result.reason))
  assert.deepEqual(await directory.listOf(environment, subject), [])
})

test('of fifty simultaneous questions about the same, one consent is living, and the limit is exact', async (t) => {
  const { directory, request, platform } = await testConsent(t)
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, () => directory.beginCapture(request({ channel: 'capture-url' }))),
  )
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5)
  for (const result of results)
    if (result.status === 'rejected') assert.ok(refusedFor('too-often')(result.reason))
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from consent.consent`.execute(
    platform.database.as<unknown>(),
  )
  assert.equal(rows[0]?.n, 1)
})

test('the last answer of a subscriber stands when two pages were open', async (t) => {
  const { directory, request, question } = await testConsent(t)
  const open = async () => {
    const { token } = await directory.beginCapture(request())
    const view = await directory.openCapture(token)
    return { token, evidence: { method: 'network', textHash: view?.textHash ?? '', locale: 'en' } }
  }
  const [first, second, third] = [await open(), await open(), await open()]
  const granted = await directory.answerCapture(first.token, 'allow', first.evidence)
  assert.equal(granted.status, 'granted')
  const taken = await directory.answerCapture(second.token, 'refuse', second.evidence)
  assert.deepEqual(taken, { status: 'refused', reason: 'withdrawn' })
  const anew = await directory.answerCapture(third.token, 'allow', third.evidence)
  assert.ok(anew.status === 'granted' && granted.status === 'granted')
  assert.notDeepEqual(anew.consentIds, granted.consentIds)
  assert.deepEqual(await directory.decide(question), anew)
})

test('a no counts for its scopes also where another page allowed them together with more', async (t) => {
  const { directory, request, question, answer, history } = await testConsent(t)
  const { token } = await directory.beginCapture(request())
  const view = await directory.openCapture(token)
  const scopes = [...question.scopes, 'location-retrieval:read']
  const granted = await answer(request({ scopes }), 'allow')
  assert.equal(granted.status, 'granted')
  assert.equal((await directory.decide(question)).status, 'granted')
  const evidence = { method: 'network', textHash: view?.textHash ?? '', locale: 'en' }
  const refused = await directory.answerCapture(token, 'refuse', evidence)
  assert.equal(refused.status, 'refused')
  assert.equal((await directory.decide(question)).status, 'refused')
  const [id = ''] = granted.status === 'granted' ? granted.consentIds : []
  assert.equal((await history(id)).at(-1), 'GRANTED WITHDRAWN subscriber')
})

test('an answer that names words that were not on the page changes nothing', async (t) => {
  const { directory, request } = await testConsent(t)
  const { token } = await directory.beginCapture(request())
  const view = await directory.openCapture(token, ['fr'])
  const evidence = { method: 'network', textHash: view?.textHash ?? '', locale: 'fr' }
  for (const wrong of [{ textHash: 'A'.repeat(43) }, { locale: 'en' }])
    await assert.rejects(
      directory.answerCapture(token, 'allow', { ...evidence, ...wrong }),
      refusedFor('other-text'),
    )
  assert.equal((await directory.answerCapture(token, 'allow', evidence)).status, 'granted')
})

test('a no stands for a day, the next for a week, and nobody may ask meanwhile', async (t) => {
  const { directory, request, answer, clock, question } = await testConsent(t)
  const days = (n: number) => clock.advance(n * 86_400_000)
  await answer(request(), 'refuse')
  await assert.rejects(directory.beginCapture(request()), refusedFor('denied'))
  days(1)
  assert.equal((await directory.decide(question)).status, 'required')
  await answer(request(), 'refuse')
  days(6)
  assert.deepEqual(await directory.decide(question), { status: 'refused', reason: 'denied' })
  days(1)
  assert.equal((await directory.decide(question)).status, 'required')
})

test('in the sandbox a no stands for a minute', async (t) => {
  const { directory, request, answer, clock } = await testConsent(t)
  const sandbox: Partial<CaptureRequest> = {
    environment: 'sandbox',
    applicationId: 'app_sandbox',
    subject: 'other',
  }
  assert.equal((await answer(request(sandbox), 'refuse')).status, 'refused')
  clock.advance(60_000)
  assert.equal((await directory.decide(request(sandbox))).status, 'required')
})

test('all applications together ask a subscriber ten times a day, and in the sandbox each for itself', async (t) => {
  const { directory, request, world } = await testConsent(t)
  const ask = (environment: 'production' | 'sandbox', applicationId: string) =>
    directory.beginCapture(request({ channel: 'ciba', environment, applicationId }))
  for (const environment of ['production', 'sandbox'] as const) {
    for (const name of ['a', 'b', 'c']) {
      const id = `app_${environment}_${name}`
      const application = world.applications.get(`app_${environment}`)
      if (application !== undefined) world.applications.set(id, { ...application, id })
      for (let i = 0; i < 5; i += 1)
        if (environment === 'sandbox' || name !== 'c') await ask(environment, id)
        else await assert.rejects(ask(environment, id), refusedFor('too-often'))
    }
  }
})

test('what was withdrawn ends at once, once, and only by its subscriber or the operator', async (t) => {
  const { directory, request, answer, question, history, platform } = await testConsent(t)
  const decision = await answer(request(), 'allow')
  const id = decision.status === 'granted' ? (decision.consentIds[0] ?? '') : ''
  const by = { kind: 'subscriber', channel: 'privacy-page', method: 'one-time-code' } as const
  await assert.rejects(directory.withdraw('production', id, { ...by, subject: 'somebody' }))
  await assert.rejects(directory.withdraw('sandbox', id, { ...by, subject: question.subject }))
  await Promise.all(
    Array.from({ length: 10 }, () =>
      directory.withdraw('production', id, { ...by, subject: question.subject }),
    ),
  )
  assert.deepEqual(await directory.decide(question), { status: 'refused', reason: 'withdrawn' })
  assert.equal((await history(id)).filter((line) => line.includes('WITHDRAWN')).length, 1)
  const { rows } = await sql<{ state: string }>`
    select payload ->> 'state' as state from platform.outbox
    where type = 'consent.changed' and key = ${id} order by position`.execute(
    platform.database.as<unknown>(),
  )
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['PENDING', 'GRANTED', 'WITHDRAWN'],
  )
})

test('an objection ends a processing on legitimate interest until it is lifted', async (t) => {
  const { directory, question } = await testConsent(t)
  const about = { ...question, scopes: ['sim-swap:check'] }
  const by = {
    kind: 'subscriber',
    subject: question.subject,
    channel: 'privacy-page',
    method: 'one-time-code',
  } as const
  assert.deepEqual(await directory.decide(about), { status: 'granted', consentIds: [] })
  const id = await directory.object(about, by)
  assert.equal(await directory.object(about, by), id, 'a second time is the first')
  assert.deepEqual(await directory.decide(about), { status: 'refused', reason: 'objected' })
  assert.equal(
    (await directory.decide({ ...about, purpose: 'dpv:Marketing' })).status,
    'granted',
    'another purpose is another matter',
  )
  await directory.withdraw('production', id, by)
  assert.equal((await directory.decide(about)).status, 'granted')
  await assert.rejects(directory.object(question, by), refusedFor('nothing-to-ask'))
})

test('an application that is gone takes its consents and questions along', async (t) => {
  const { directory, request, answer, consenting, question, world } = await testConsent(t)
  await answer(request(), 'allow')
  const open = await directory.beginCapture(request({ scopes: ['location-retrieval:read'] }))
  world.applications.delete('app_production')
  await consenting.db
    .transaction()
    .execute((trx) => endConsentsOf(consenting, trx, 'app_production'))
  const states = (await directory.listOf('production', question.subject)).map(({ state }) => state)
  assert.deepEqual(states, ['EXPIRED', 'EXPIRED'])
  assert.equal(await directory.openCapture(open.token), undefined)
})

test('a question that nobody answered runs out, says nothing, and forgets the number', async (t) => {
  const { directory, request, clock, consenting, question } = await testConsent(t)
  const { token } = await directory.beginCapture(request({ sealedNumber: 'v2.0.sealed' }))
  assert.equal((await directory.openCapture(token))?.sealedNumber, 'v2.0.sealed')
  clock.advance(10 * 60_000)
  assert.equal(await directory.openCapture(token), undefined)
  assert.equal(await expireDue(consenting), 1)
  assert.equal(await expireDue(consenting), 0)
  assert.equal((await directory.decide(question)).status, 'required')
  const { rows } = await sql<{ n: number }>`
    select count(sealed_number)::int as n from consent.capture`.execute(consenting.db)
  assert.equal(rows[0]?.n, 0)
})

test('a question is as open after its link was opened as before, and REQUESTED once it reached its subscriber', async (t) => {
  const { directory, request, question, history, platform } = await testConsent(t)
  const { token } = await directory.beginCapture(request({ channel: 'ciba' }))
  const shown = async () =>
    (await sql`select 1 from consent.shown`.execute(platform.database.as<unknown>())).rows.length
  const found = await directory.findCapture(token)
  assert.deepEqual([found?.purpose, found?.application.name], [question.purpose, 'Taxi'])
  assert.equal(await shown(), 0, 'nothing was shown by looking whose question it is')
  await Promise.all(['de', 'en', 'de'].map((locale) => directory.openCapture(token, [locale])))
  assert.equal(await shown(), 2)
  const [record] = await directory.listOf('production', question.subject)
  assert.deepEqual(await history(record?.id ?? ''), ['none PENDING partner'])
  const how = 'a message with its link was sent'
  await Promise.all([1, 2, 3].map(() => directory.noteReached(token, how)))
  const reached = ['none PENDING partner', 'PENDING REQUESTED system']
  assert.deepEqual(await history(record?.id ?? ''), reached)
  await directory.noteReached('A'.repeat(43), how)
  assert.equal(await directory.findCapture('A'.repeat(43)), undefined)
})

test('the database refuses to alter history, notices and texts', async (t) => {
  const { request, answer, consenting } = await testConsent(t)
  await answer(request(), 'allow')
  for (const table of ['change', 'notice', 'shown', 'text_version'])
    for (const statement of [
      `update consent.${table} set locale = 'xx'`,
      `delete from consent.${table}`,
      `truncate consent.${table} cascade`,
    ])
      await assert.rejects(sql.raw(statement).execute(consenting.db), /append-only/)
})

test('nothing in the database holds a token of a link', async (t) => {
  const { directory, request, consenting } = await testConsent(t)
  const { token } = await directory.beginCapture(request())
  assert.match(token, /^[\w-]{43}$/)
  const { rows } = await sql<{ text: string }>`
    select c::text as text from consent.capture c`.execute(consenting.db)
  assert.ok(!rows.some(({ text }) => text.includes(token)))
})

test('the last use of a consent is the latest that any journal told, in whatever order they come', async (t) => {
  const { directory, request, answer, question, consenting } = await testConsent(t)
  const decision = await answer(request(), 'allow')
  const id = decision.status === 'granted' ? (decision.consentIds[0] ?? '') : ''
  const last = async () =>
    (await directory.listOf('production', question.subject))[0]?.lastUsedAt?.getTime()
  assert.equal(await last(), undefined)
  const at = Date.parse('2026-03-01T10:00:00Z')
  const moments = [at + 600_000, at, at + 120_000, at + 630_000]
  await Promise.all(
    moments.map((one) => noteUses(consenting.db, 'production', { [id]: one, cns_gone: one })),
  )
  const noted = (await last()) ?? 0
  assert.ok([at + 600_000, at + 630_000].includes(noted), 'true to a minute')
  await noteUses(consenting.db, 'sandbox', { [id]: at + 9_000_000 })
  await noteUses(consenting.db, 'production', {})
  assert.equal(await last(), noted, 'a consent of the other environment is another one')
  await noteUses(consenting.db, 'production', { [id]: at + 9_000_000 })
  assert.equal(await last(), at + 9_000_000)
})

test('while other modules are asked about a question, it holds no connection that others may wait for', async (t) => {
  const { request, platform, needs } = await testConsent(t)
  const { pool } = platform.database
  const held: number[] = []
  const noting = <A extends unknown[], R>(ask: (...args: A) => R) => {
    return (...args: A): R => {
      held.push(pool.totalCount - pool.idleCount)
      return ask(...args)
    }
  }
  const directory = createConsentDirectory(platform, {
    catalog: { ...needs.catalog, legalBasisOf: noting(needs.catalog.legalBasisOf) },
    partners: { ...needs.partners, getApplication: noting(needs.partners.getApplication) },
  })
  const { token } = await directory.beginCapture(request())
  const view = await directory.openCapture(token)
  const evidence = { method: 'network', textHash: view?.textHash ?? '', locale: 'en' }
  assert.equal((await directory.answerCapture(token, 'allow', evidence)).status, 'granted')
  assert.ok(held.length >= 4)
  assert.deepEqual(new Set(held), new Set([0]))
})
