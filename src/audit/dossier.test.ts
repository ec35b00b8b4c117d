import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { testPlatform } from '#platform/testing'
import { createAudit } from './create-audit.ts'
import type { ExchangeFacts } from './evidence.ts'
import type { DescribeExchange, ExchangeContext } from './exchange-context.ts'
import { createExchangeLog } from './exchange-log.ts'
import { append } from './store.ts'
import { plainStory } from './story.ts'
import type { AuditTables } from './tables.ts'
import {
  keyId,
  Refused,
  sealText,
  tellFile,
  verifyBundle,
  verifyList,
  verifyListPieces,
} from './verify.mjs'

const at = Date.UTC(2026, 10, 21, 10, 4, 5)
const subject = { environment: 'production' as const, pseudonym: 'p-7f3a' }
const content = JSON.stringify({
  title: 'May Bank know where your phone is?',
  why: ['Fraud <b>"x"</b>'],
})
const noticeHash = createHash('sha256').update(content).digest('base64url')
const agreement = { id: 'agr_1', name: 'Terms', version: 3, sha256: 'ab'.repeat(32) }

const context: ExchangeContext = {
  ...{
    partner: 'Bank <script>alert(1)</script>\u202e',
    application: 'App',
    api: 'Device location',
  },
  contract: { plan: 'pln_1', since: '2026-01-01T00:00:00.000Z', agreement },
  consents: [{ recordId: 'cns_1' }],
  notices: [
    { hash: noticeHash, locale: 'en', content },
    { hash: 'of another consent', locale: 'en', content: 'x' },
  ],
  rules: [{ rule: 'require-consent', asks: 'a live consent' }],
}

const describe: DescribeExchange = (_record, consentIds) =>
  Promise.resolve(consentIds.length > 0 ? context : { ...context, consents: [], notices: [] })

const exchange = (id: string, more: Partial<ExchangeFacts> = {}): ExchangeFacts => ({
  ...{ id, at, environment: 'production', partnerId: 'prt_1', applicationId: 'app_1' },
  ...{ credentialId: 'crd_1', contractId: 'ctr_1', apiId: 'device-location/v2', method: 'POST' },
  ...{ operationId: 'retrieveLocation', status: 200, credential: 'access-token', rules: 5 },
  ...{ subject: subject.pseudonym, tokenId: 'jti_9', masked: ['/area/radius'] },
  legal: {
    ...{ basis: 'consent', purpose: 'dpv:FraudPreventionAndDetection', scopes: ['location'] },
    ...{ consents: ['cns_1'], grant: 'gnt_1' },
  },
  ...{ requestBytes: 1, responseBytes: 1, units: 1 },
  ...more,
})

async function setUp(t: TestContext, exchanges: readonly ExchangeFacts[] = []) {
  const platform = await testPlatform(t)
  const audit = createAudit(platform, { describe })
  const log = createExchangeLog(platform)
  const db = platform.database.as<AuditTables>()
  await db.transaction().execute(async (trx) => {
    await append(trx, {
      ...{ event_id: 'evt_accept', occurred_at: new Date(at - 9e6), actor_kind: 'partner' },
      ...{ actor_id: 'mem_1', via: 'session', partner_id: 'prt_1', action: 'agreement.accepted' },
      ...{ target: 'agr_1', detail: { version: 3, sha256: agreement.sha256 } },
    })
    for (const [i, state] of ['REQUESTED', 'GRANTED'].entries())
      await audit.appendEvidence(trx, {
        ...{ kind: 'consent', id: `cns_1/${i}`, at: new Date(at - 5e6 + i) },
        record: { state, noticeHash, channel: 'authorization' },
        about: { subject, personal: { consentId: 'cns_1' } },
        thing: { id: 'cns_1', final: false },
      })
  })
  const facts = exchanges.length > 0 ? exchanges : [1, 2, 3, 4, 5].map((n) => exchange(`exc_${n}`))
  const origin = {
    ...{ environment: 'production' as const, gatewayId: 'gtw_1', boot: 'b', sequence: 0 },
    sha256: 'cd'.repeat(32),
  }
  const prepared = await log.prepare(origin, facts)
  assert.ok(prepared !== undefined)
  await db.transaction().execute(async (trx) => {
    await log.write(trx, prepared)
    await log.append(trx, prepared)
  })
  const bundle = async (id: string) => {
    const exported = await audit.exportBundle({ exchange: id })
    assert.ok(exported !== undefined)
    return exported
  }
  return { platform, audit, db, bundle }
}

test('a bundle of a call proves the call, the consent that it rests on, and the agreement', async (t) => {
  const { bundle, audit } = await setUp(t)
  for (const n of [1, 3, 5]) {
    const { json, page } = await bundle(`exc_${n}`)
    for (const file of [json, page]) {
      const proven = verifyBundle(Buffer.from(file))
      assert.deepEqual([proven.kind, proven.id, proven.erased], ['exchange', `exc_${n}`, false])
      assert.deepEqual(
        proven.leaves.map(({ kind, id }) => `${kind} ${id}`),
        [
          'exchanges production/gtw_1/b/0',
          'consent cns_1/0',
          'consent cns_1/1',
          'action evt_accept',
        ],
      )
    }
  }
  assert.equal(await audit.exportBundle({ exchange: 'exc_9' }), undefined)
})

test('the first sentence answers why, and the facts follow', async (t) => {
  const { audit } = await setUp(t)
  const why = await audit.why({ exchange: 'exc_2' })
  assert.match(
    why?.story.sentence ?? '',
    /^At 10:04:05 UTC on 2026-11-21 Bank .*, with its application App, called Device location \(retrieveLocation\) about a subscriber for fraud prevention and detection\. It was answered because the subscriber had consented to it at 08:40:45 UTC on 2026-11-21, and had not withdrawn it\.$/,
  )
  const facts = JSON.stringify(why?.story.sections)
  for (const known of [
    'jti_9',
    'gnt_1',
    'cns_1',
    'ctr_1',
    'crd_1',
    noticeHash,
    agreement.sha256,
    '/area/radius',
  ])
    assert.ok(facts.includes(known), known)
})

test('a call that met a withdrawal, a clock that is behind, the sandbox or a consent of nobody is told as it was', async (t) => {
  const legal = { basis: 'consent', purpose: 'dpv:Marketing', consents: ['cns_1'] }
  const sandbox = { environment: 'sandbox', legal: { ...legal, consents: [] } } as const
  const { audit, db } = await setUp(t, [
    exchange('exc_1', { at: at - 6e6 }),
    exchange('exc_2', { at: at - 1e6 }),
    exchange('exc_3'),
    exchange('exc_4', sandbox),
    exchange('exc_5', { legal: { ...legal, consents: ['cns_of_nobody'] } }),
  ])
  await db.transaction().execute((trx) =>
    audit.appendEvidence(trx, {
      ...{ kind: 'consent', id: 'cns_1/2', at: new Date(at - 500) },
      record: { state: 'WITHDRAWN', channel: 'privacy-page' },
      about: { subject, personal: { consentId: 'cns_1' } },
      thing: { id: 'cns_1', final: true },
    }),
  )
  const why = async (exchangeId: string) => (await audit.why({ exchange: exchangeId }))?.story
  const withoutEnd =
    /had consented to it at 08:40:45 UTC on 2026-11-21, and had not withdrawn it\.$/
  for (const id of ['exc_1', 'exc_2']) {
    const story = await why(id)
    assert.match(story?.sentence ?? '', withoutEnd, id)
    assert.doesNotMatch(JSON.stringify(story), /WITHDRAWN/)
  }
  const met = /consented to it at 08:40:45 .*; that it had ended at 10:04:04 .* had not reached the/
  assert.match((await why('exc_3'))?.sentence ?? '', met)
  const free = /because the people of the sandbox consent to everything until they say no/
  assert.match((await why('exc_4'))?.sentence ?? '', free)
  const unproven = /knew a consent of the subscriber; the log has nothing of how it was given\.$/
  assert.match((await why('exc_5'))?.sentence ?? '', unproven)
})

test('no name that a partner chose turns the words around it, in the answer, the page or the text', async (t) => {
  const { audit, bundle } = await setUp(t)
  const why = await audit.why({ exchange: 'exc_2' })
  assert.doesNotMatch(JSON.stringify(why?.story), /[\u202a-\u202e\u2066-\u2069]/)
  const name = 'בנק \u2067\u2069\u2069\u202e 12'
  const { title, sentence } = plainStory({ title: `Why ${name}`, sentence: name, sections: [] })
  assert.deepEqual([title, sentence], ['Why בנק    12', 'בנק    12'])
  assert.equal(plainStory({ title: '\u2068א', sentence: '', sections: [] }).title, '\u2068א\u2069')
  const { page } = await bundle('exc_2')
  const shown = page.slice(0, page.indexOf('<script type="application/json"'))
  assert.doesNotMatch(shown, /[\u202a-\u202e]/)
})

test('what a partner or a page wrote does nothing in the page', async (t) => {
  const { bundle } = await setUp(t)
  const { page } = await bundle('exc_1')
  assert.ok(!page.includes('<script>alert'))
  assert.ok(!page.includes('<b>'))
  const shown = page.slice(0, page.indexOf('<script type="application/json"'))
  assert.ok(!/[\u202a-\u202e]/.test(shown))
  assert.match(page, /Content-Security-Policy" content="default-src 'none'/)
})

test('a bundle of a call with one changed byte, wherever it is and in either spelling, does not verify', async (t) => {
  const { bundle } = await setUp(t)
  const { json, page } = await bundle('exc_4')
  for (const text of [json, page]) {
    const file = Buffer.from(text)
    for (let position = 0; position < file.length; position += 1) {
      const changed = Buffer.from(file)
      changed[position] = (changed[position] ?? 0) ^ (1 << (position % 8))
      assert.throws(() => verifyBundle(changed), Refused, `byte ${position}`)
    }
    for (const changed of [`${text} `, ` ${text}`, text.slice(0, -1), text + text])
      assert.throws(() => verifyBundle(Buffer.from(changed)), Refused)
  }
})

test('after erasure a bundle says that the personal values are gone, and verifies; one from before does, too', async (t) => {
  const { bundle, db, audit } = await setUp(t)
  const before = await bundle('exc_2')
  await sql`select * from audit.erase_subject('production', ${subject.pseudonym}, 'ers_1', now())`.execute(
    db,
  )
  const { json } = await bundle('exc_2')
  const proven = verifyBundle(Buffer.from(json))
  assert.equal(proven.erased, true)
  for (const gone of [subject.pseudonym, 'jti_9', 'gnt_1', 'cns_1'])
    assert.ok(!json.includes(gone), `${gone} is still there`)
  assert.match(proven.explanation, /erased/)
  assert.equal(verifyBundle(Buffer.from(before.json)).erased, false)
  const report = await audit.verifyLog()
  assert.ok(report.ok, JSON.stringify(report))
})

test('refused calls, and those on another basis, are told as what they were', async (t) => {
  const legal = { basis: 'legitimate-interest', purpose: 'dpv:Marketing' }
  const { audit, bundle } = await setUp(t, [
    exchange('exc_1', { status: 403, code: 'PERMISSION_DENIED', refusedBy: 'require-consent' }),
    exchange('exc_2', { legal }),
    exchange('exc_3', { legal: undefined, subject: undefined, tokenId: undefined }),
    exchange('exc_4', { legal: undefined }),
    exchange('exc_5', { status: 502, refusedBy: 'upstream' }),
  ])
  const sentence = async (id: string) => (await audit.why({ exchange: id }))?.story.sentence ?? ''
  assert.match(
    await sentence('exc_1'),
    /refused \(403\) by the rule require-consent.*Nothing about/,
  )
  assert.match(
    await sentence('exc_2'),
    /legitimate interest, to which the subscriber had not objected/,
  )
  assert.equal(await sentence('exc_3'), '', 'a call about nobody is no evidence')
  assert.match(await sentence('exc_4'), /contract of the partner is its legal basis/)
  assert.match(await sentence('exc_5'), /let pass, and the service behind the API answered 502/)
  for (const id of ['exc_1', 'exc_2', 'exc_4', 'exc_5'])
    verifyBundle(Buffer.from((await bundle(id)).json))
})

test('a list without some of its lines is refused to who knows the key or the checkpoints, whoever sealed it anew', async (t) => {
  const calls = Array.from({ length: 3 }, (_, n) => exchange(`exc_${n}`, { at: at + n }))
  const { audit } = await setUp(t, calls)
  const period = { partnerId: 'prt_1', from: new Date(at), to: new Date(at + 9) }
  const text = async (partnerId = 'prt_1'): Promise<string[]> =>
    await Array.fromAsync(audit.exportPeriod({ ...period, partnerId }))
  const fileOf = (lines: readonly string[]): Buffer => Buffer.from(lines.join(''))
  const lines = await text()
  const newest = async (): Promise<{ key: string; note: string }> => {
    const { key = '', note = '' } = (await audit.state()).newest ?? {}
    return { key, note }
  }
  const first = await newest()
  const list = JSON.parse(lines.at(-1) ?? '') as { key: string; seal: string }
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const [name = ''] = list.key.split('+')
  const id = keyId(name, raw)
  const key = `${name}+${id}+${Buffer.concat([Buffer.of(1), raw]).toString('base64')}`
  const resealed = (kept: readonly string[]): Buffer => {
    const sha256 = createHash('sha256').update(kept.join('')).digest('hex')
    const { seal: _, ...rest } = { ...list, key, count: kept.length, sha256 }
    const note = sealText(name, rest)
    const signed = Buffer.concat([
      Buffer.from(id, 'hex'),
      sign(null, Buffer.from(note), privateKey),
    ])
    const seal = `${note}\n\u2014 ${name} ${signed.toString('base64')}\n`
    return fileOf([...kept, `${JSON.stringify({ ...rest, seal })}\n`])
  }
  for (const kept of [lines.slice(1, -1), lines.slice(0, -1), []]) {
    const forged = resealed(kept)
    assert.throws(() => verifyList(forged, { key: first.key }), /another key than the one given/)
    assert.throws(
      () => verifyList(forged, { checkpoints: [first.note] }),
      /none of the checkpoints/,
    )
    if (kept.length > 0)
      assert.throws(() => verifyList(forged), /does not lead to that of the list/)
    else
      assert.match(tellFile(forged, {}), /Compare the key with the one that the operator published/)
  }
  assert.equal(verifyList(fileOf(lines), { key: first.key, checkpoints: [first.note] }).count, 3)

  // Who knows the key of then follows it; a rotation amid an export is no forgery.
  const half = audit.exportPeriod(period)
  const before = await half.next()
  await audit.rotateKey({ kind: 'system', id: 'test' })
  const amid = [String(before.value), ...(await Array.fromAsync(half))]
  const second = await newest()
  for (const each of [amid, await text(), await text('prt_9')])
    for (const known of [first.key, second.key]) verifyList(fileOf(each), { key: known })
  assert.throws(() => verifyList(fileOf(lines), { key: second.key }), /another key than the one/)
})

test('all calls of a partner in a time are one file, and a line that is changed or taken away is found', async (t) => {
  const { platform, audit } = await setUp(
    t,
    Array.from({ length: 205 }, (_, n) =>
      exchange(`exc_${n}`, { at: at + n, partnerId: n % 2 === 0 ? 'prt_1' : 'prt_2' }),
    ),
  )
  const period = { partnerId: 'prt_1', from: new Date(at), to: new Date(at + 203) }
  const lines = await Array.fromAsync(audit.exportPeriod(period))
  const file = Buffer.from(lines.join(''))
  assert.equal(verifyList(file).count, 102)
  assert.match(tellFile(file, {}), /^Verified: 102 calls of prt_1 from/)
  const bad = [
    lines.toSpliced(5, 1),
    lines.toSpliced(5, 0, lines[4] ?? ''),
    [lines[1], lines[0], ...lines.slice(2)],
    lines.slice(0, -1),
    lines.with(7, (lines[7] ?? '').replace('POST', 'PUT')),
    lines.with(-1, (lines.at(-1) ?? '').replace('"count":102', '"count":101')),
    [...lines, '\n'],
    [],
  ]
  for (const [n, changed] of bad.entries())
    assert.throws(() => verifyList(Buffer.from(changed.join(''))), Refused, `${n}`)
  for (let position = 0; position < file.length; position += 39_989) {
    const changed = Buffer.from(file)
    changed[position] = (changed[position] ?? 0) ^ 1
    assert.throws(() => tellFile(changed, {}), Refused, `byte ${position}`)
  }
  // It is read as it comes, however large: what is wrong near its beginning is told before the rest was read.
  let read = 0
  const pieces = function* (text: Buffer) {
    for (read = 0; read < text.length; read += 1_009) yield text.subarray(read, read + 1_009)
  }
  assert.equal(verifyListPieces(pieces(file)).count, 102)
  const early = lines.with(1, (lines[1] ?? '').replace('POST', 'PUT')).join('')
  assert.throws(() => verifyListPieces(pieces(Buffer.from(early))), /line 2: the bundle/)
  assert.ok(read < early.length / 10, `${read} of ${early.length} bytes`)
  // However many calls a segment has, its records are read and hashed once for all of them.
  let opened = 0
  const watched = platform.database.as<AuditTables>().withPlugin({
    transformQuery: ({ node }) => {
      if (JSON.stringify(node).includes('select contents from')) opened += 1
      return node
    },
    transformResult: ({ result }) => Promise.resolve(result),
  })
  const database = { ...platform.database, as: <T>() => watched as unknown as Kysely<T> }
  const again = await Array.fromAsync(
    createAudit({ ...platform, database }, { describe }).exportPeriod(period),
  )
  assert.deepEqual([again.length, opened], [lines.length, 1])
  const none = await Array.fromAsync(audit.exportPeriod({ ...period, partnerId: 'prt_9' }))
  assert.equal(verifyList(Buffer.from(none.join(''))).count, 0)
})
