import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { FastifyPluginAsync } from 'fastify'
import { sql } from 'kysely'
import type { Actor } from '#audit'
import { refuseByRole } from '#identity/testing'
import { createHttpServer } from '#platform/http-server'
import { createConsent } from './create-consent.ts'
import { hashOf } from './language-text.ts'
import type { Consent, ConsentLanguage, ConsentRecordExport } from './schema.ts'
import { createHttpSms, SmsFailed } from './send-sms.ts'
import { subjectOf } from './subject.ts'
import { testConsent } from './testing.ts'

type TestContext = Parameters<typeof testConsent>[0]
type Role = Extract<Actor, { kind: 'operator' }>['role']

const staff = (role: Role): Actor => ({
  kind: 'operator',
  id: 'stf_1',
  name: 'Op',
  role,
  via: 'token',
})
const member: Actor = {
  kind: 'partner',
  id: 'mem_1',
  name: 'Ada',
  partnerId: 'prt_1',
  role: 'viewer',
  via: 'session',
}

async function served(t: TestContext) {
  const given = await testConsent(t)
  const { platform, needs } = given
  const consent = createConsent(platform, {
    ...needs,
    info: { scopesOf: async () => [], clientOf: async () => undefined, captureUrl: () => '' },
  })
  const server = createHttpServer({ log: platform.log })
  let actor: Actor = { kind: 'anonymous' }
  server.decorateRequest('actor')
  server.addHook('onRequest', async (request) => {
    request.actor = actor
    refuseByRole(request)
  })
  const mount: FastifyPluginAsync = async (scope) => {
    await consent.routes(scope as unknown as typeof server)
  }
  await server.register(mount)
  t.after(() => server.close())
  const ask = async <Body>(
    as: Actor,
    method: 'GET' | 'POST' | 'PUT',
    url: string,
    body?: object,
  ) => {
    actor = as
    const answer = await server.inject({ method, url, ...(body && { payload: body }) })
    return { status: answer.statusCode, text: answer.body, body: answer.json() as Body }
  }
  return { ...given, consent, ask }
}

test('an operator finds the consents behind a number, which is kept nowhere', async (t) => {
  const { ask, answer, request, platform, question } = await served(t)
  await answer(request(), 'allow')
  const search = { environment: 'production', phoneNumber: '+99012345678' }
  type List = { items: Consent[]; pagination: { totalCount: number } }
  const found = await ask<List>(staff('auditor'), 'POST', '/consents/search', search)
  assert.equal(found.status, 200, found.text)
  assert.equal(found.body.pagination.totalCount, 1)
  assert.equal(found.body.items[0]?.state, 'GRANTED')
  assert.equal(found.body.items[0]?.subject, question.subject)
  const none = { ...search, state: 'DENIED' }
  assert.equal(
    (await ask<List>(staff('administrator'), 'POST', '/consents/search', none)).body.pagination
      .totalCount,
    0,
  )
  assert.equal((await ask(staff('engineer'), 'POST', '/consents/search', search)).status, 403)
  assert.equal((await ask(member, 'POST', '/consents/search', search)).status, 403)
  const { rows } = await sql<{ text: string }>`
    select payload::text as text from platform.outbox`.execute(platform.database.as<unknown>())
  assert.ok(rows.some(({ text }) => text.includes('consent.subscriber-searched')))
  assert.ok(!rows.some(({ text }) => text.includes('99012345678')))
})

test('a record has the words that were shown, under their hash, and everything that happened', async (t) => {
  const { ask, answer, request } = await served(t)
  const decision = await answer(request({ locales: ['es'] }), 'allow')
  const id = decision.status === 'granted' ? decision.consentIds[0] : ''
  const { status, body } = await ask<ConsentRecordExport>(
    staff('auditor'),
    'GET',
    `/consents/${id}`,
  )
  assert.equal(status, 200)
  assert.equal(body.schemaVersion, 'ISO/IEC TS 27560:2023')
  const [notice] = body.privacyNotices
  assert.equal(notice?.hash, hashOf(notice?.content ?? ''))
  assert.equal(JSON.parse(notice?.content ?? '').title, 'Taxi le pide permiso')
  assert.deepEqual(
    body.events.map(({ eventState, entity }) => `${eventState} ${entity}`),
    ['PENDING partner', 'GRANTED subscriber'],
  )
  const last = body.events.at(-1)
  assert.deepEqual(
    [last?.noticeHash, last?.noticeLocale, last?.method],
    [notice?.hash, 'es', 'network'],
  )
  assert.equal(body.processing.purposes[0]?.lawfulBasis, 'consent')
  assert.deepEqual(body.processing.purposes[0]?.piiInformation, [
    { category: 'location-verification:verify' },
  ])
  for (const other of ['cns_00000000000000000000', 'x'])
    assert.equal((await ask(staff('auditor'), 'GET', `/consents/${other}`)).status, 404)
})

test('an operator withdraws at the wish of a subscriber, with a reason that stays in the history', async (t) => {
  const { ask, answer, request, directory, question, platform } = await served(t)
  const decision = await answer(request(), 'allow')
  const id = decision.status === 'granted' ? decision.consentIds[0] : ''
  const url = `/consents/${id}/withdrawal`
  /** transactions of the change and of the action that tells who made it */
  const writers = async () => {
    const { rows } = await platform.database.pool.query<{ xmin: string }>(
      `select xmin from platform.outbox where payload ->> 'action' = 'consent.withdrawn'
         or (type = 'consent.changed' and payload ->> 'state' = 'WITHDRAWN')`,
    )
    return rows.map(({ xmin }) => xmin)
  }
  const body = { reason: 'by letter' }
  assert.equal((await ask(staff('auditor'), 'POST', url, body)).status, 403)
  assert.equal((await ask(staff('partner-success'), 'POST', url, {})).status, 400)
  const done = await ask<Consent>(staff('partner-success'), 'POST', url, body)
  assert.deepEqual([done.status, done.body.state], [200, 'WITHDRAWN'])
  assert.equal((await directory.decide(question)).status, 'refused')
  const record = await ask<ConsentRecordExport>(staff('auditor'), 'GET', `/consents/${id}`)
  const last = record.body.events.at(-1)
  assert.deepEqual([last?.entity, last?.entityId, last?.reason], ['operator', 'stf_1', 'by letter'])
  assert.equal((await ask(staff('partner-success'), 'POST', url, body)).status, 200, 'again')
  const [one, other, ...more] = await writers()
  assert.ok(one !== undefined && one === other && more.length === 0, 'one of each, together')
})

test('a partner sees how many subscribers said what, and nobody of them', async (t) => {
  const { ask, answer, request, question, clock } = await served(t)
  await answer(request(), 'allow')
  for (let day = 0; day < 2; day += 1) {
    await answer(request({ subject: 'second' }), 'refuse')
    clock.advance(86_400_000)
  }
  const counts = await ask<{ items: unknown[] }>(member, 'GET', '/consent-counts')
  const of = { environment: 'production', purpose: question.purpose, count: 1 }
  const application = { id: 'app_production', name: 'Taxi' }
  assert.deepEqual(counts.body.items, [
    { ...of, application, state: 'DENIED' },
    { ...of, application, state: 'GRANTED' },
  ])
  assert.ok(!counts.text.includes(question.subject))
  const other: Actor = { ...member, partnerId: 'prt_2' }
  const none = await ask<{ items: unknown[] }>(other, 'GET', '/consent-counts')
  assert.deepEqual(none.body.items, [])
  const read = (actor: Actor, id: string) =>
    ask<{ items: unknown[] }>(actor, 'GET', `/consent-counts/${id}`)
  const ofOne = await read(staff('auditor'), 'app_production')
  assert.deepEqual(
    ofOne.body.items,
    counts.body.items,
    'the operator reads the same of one application',
  )
  assert.deepEqual((await read(staff('auditor'), 'app_sandbox')).body.items, [])
  assert.equal((await read(member, 'app_production')).status, 403)
})

test('an operator begins a language and words another, and questions are asked in it from then on', async (t) => {
  const { ask, directory, request } = await served(t)
  const words = { words: { allow: 'Dopusti', title: '{application} traži dopuštenje' } }
  const put = await ask<ConsentLanguage>(staff('product'), 'PUT', '/consent-languages/hr', words)
  assert.equal(put.status, 200, put.text)
  assert.deepEqual([put.body.builtIn, put.body.words.allow], [false, 'Dopusti'])
  const { token } = await directory.beginCapture(request({ locales: ['hr-HR'] }))
  assert.equal((await directory.openCapture(token))?.notice.title, 'Taxi traži dopuštenje')
  const list = await ask<{ items: ConsentLanguage[] }>(
    staff('auditor'),
    'GET',
    '/consent-languages?perPage=50',
  )
  assert.deepEqual(
    list.body.items.map(({ locale }) => locale),
    ['de', 'en', 'es', 'fr', 'hr'],
  )
})

test('words that leave out who asks, know other blanks or hold control characters are refused whole', async (t) => {
  const { ask } = await served(t)
  for (const [role, locale, words, status] of [
    ['product', 'de', { words: { title: 'Erlaubnis?' } }, 400],
    ['product', 'de', { words: { allow: '{partner}' } }, 400],
    ['product', 'de', { words: { allow: 'a\u0007' } }, 400],
    ['product', 'de', { words: { other: 'x' } }, 400],
    ['product', 'de', { purposes: { Marketing: { label: 'x', explanation: 'x' } } }, 400],
    ['product', '../de', {}, 404],
    ['product', 'de_AT', {}, 400],
    ['auditor', 'de', {}, 403],
  ] as const)
    assert.equal(
      (await ask(staff(role), 'PUT', `/consent-languages/${locale}`, words)).status,
      status,
      JSON.stringify([role, locale, words]),
    )
})

test('files of words go under what was said in the console, and one at fault is left out', async (t) => {
  const { ask, consent } = await served(t)
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-texts-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(path.join(folder, 'pt.yaml'), 'words: { allow: Permitir, refuse: Recusar }\n')
  writeFileSync(path.join(folder, 'nl.yaml'), 'words: { title: Toestemming }\n')
  writeFileSync(path.join(folder, 'it.yaml'), 'words: [\n')
  await ask(staff('product'), 'PUT', '/consent-languages/pt', { words: { refuse: 'Não' } })
  await consent.loadTexts(folder)
  await consent.loadTexts(folder)
  await consent.loadTexts(path.join(folder, 'absent'))
  const { body } = await ask<{ items: ConsentLanguage[] }>(
    staff('product'),
    'GET',
    '/consent-languages?perPage=50',
  )
  assert.deepEqual(
    body.items.map(({ locale }) => locale),
    ['de', 'en', 'es', 'fr', 'pt'],
  )
  const { allow, refuse } = body.items.at(-1)?.words ?? {}
  assert.deepEqual([allow, refuse], ['Permitir', 'Não'])
})

test('an application that was deleted ends its consents', async (t) => {
  const { answer, request, consent, world, platform, question } = await served(t)
  await answer(request(), 'allow')
  const event = (n: number) => ({
    id: `evt_${n}`,
    type: 'application.changed',
    key: 'app_production',
    rootId: `evt_${n}`,
    payload: { applicationId: 'app_production' },
    occurredAt: new Date(),
  })
  const tell = (n: number) =>
    platform.database
      .as<unknown>()
      .transaction()
      .execute(async (trx) => await consent.subscribers[0]?.handle(trx, event(n)))
  await tell(1)
  assert.equal((await consent.listOf('production', question.subject))[0]?.state, 'GRANTED')
  world.applications.delete('app_production')
  await tell(2)
  await tell(3)
  assert.equal((await consent.listOf('production', question.subject))[0]?.state, 'EXPIRED')
})

test('a message goes to the operator’s service once, and its failure names neither number nor text', async (t) => {
  const got: { authorization: string | undefined; body: string }[] = []
  let status = 202
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    got.push({ authorization: request.headers.authorization, body })
    response.writeHead(status, { location: 'http://elsewhere.example' }).end()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  const sms = createHttpSms({ url: `http://127.0.0.1:${port}/sms`, token: 'secret' })
  await sms.send('+35191', 'Read: https://op.example')
  assert.deepEqual(got, [
    {
      authorization: 'Bearer secret',
      body: '{"to":"+35191","text":"Read: https://op.example"}',
    },
  ])
  for (const bad of [302, 400, 500]) {
    status = bad
    await assert.rejects(
      sms.send('+35191', 'text'),
      (error) => error instanceof SmsFailed && !/35191|text/.test(error.message),
    )
  }
  assert.equal(got.length, 4)
  const none = createHttpSms(undefined)
  assert.match(none.missing ?? '', /WAYLEAVE_SMS_URL/)
  await assert.rejects(none.send('+35191', 'text'), SmsFailed)
})

test('the pseudonym of a number is another one in the other environment', async (t) => {
  const { platform } = await testConsent(t)
  const of = (environment: 'sandbox' | 'production') =>
    subjectOf(platform.sealing, environment, '+99012345678')
  assert.notEqual(of('sandbox'), of('production'))
})
