import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { member, served, staff } from '#contracts/testing'
import { type NewRecord, reasons } from '#journal'
import { testFolder } from '#platform/testing-folder'
import { createMetering } from './create-metering.ts'
import { explainFailure } from './explain-failure.ts'
import { exchange, testMetering, writeSegments } from './testing.ts'

type TestContext = Parameters<typeof testMetering>[0]

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const failed: Partial<NewRecord> = {
  status: 502,
  code: 'BAD_GATEWAY',
  refusedBy: 'upstream',
  reason: 'the status is not documented',
  upstreamStatus: 500,
  units: 0,
  upstream: 'primary',
  tier: 'paid',
  credential: 'access-token',
  bound: 'dpop',
  traceId,
  subject: 'pseudonym',
  idempotency: 'kept',
  masked: ['device.phoneNumber', 'a "quoted", name'],
  stripped: true,
  undocumented: true,
}

async function setup(t: TestContext, records: NewRecord[]) {
  const { platform, contracts } = await testMetering(t)
  const config = {
    ...platform.config,
    traces: { ...platform.config.traces, url: 'https://traces.example/t/{traceId}' },
  }
  const metering = createMetering(
    { ...platform, config },
    {
      contracts,
      describeApi: async (apiId) =>
        apiId === 'sim-swap/v2'
          ? { title: 'SIM Swap', owner: { team: 'Identity', contact: 'identity@example.com' } }
          : undefined,
    },
  )
  for (const segment of await writeSegments(testFolder(t), [records])) {
    const result = await metering.intake('sandbox', segment.claim, segment.bytes)
    assert.equal(result.outcome, 'applied', JSON.stringify(result))
  }
  return await served(t, platform, metering.routes)
}

test('a failed call leads from its correlator, or its trace, to the owner, the upstream, the rule and the trace', async (t) => {
  const call = await setup(t, [exchange('1', failed), exchange('2')])
  for (const query of [`correlator=c-1`, `traceId=${traceId}`]) {
    const { body } = await call(staff(), 'GET', `/exchanges?${query}`)
    assert.deepEqual(
      body.items.map((item: { id: string }) => item.id),
      ['exc_1'],
    )
  }
  const { body } = await call(staff(), 'GET', '/exchanges/exc_1')
  const { api, failure, ...rest } = body
  assert.deepEqual(api, { title: 'SIM Swap', team: 'Identity', contact: 'identity@example.com' })
  assert.equal(failure.owner, 'upstream')
  assert.equal(failure.team, 'Identity')
  assert.equal(failure.contact, 'identity@example.com')
  assert.equal(failure.documentation, '/errors/BAD_GATEWAY')
  assert.ok(failure.meaning.length > 0 && failure.rule.length > 0)
  assert.equal(rest.traceUrl, `https://traces.example/t/${traceId}`)
  assert.equal(rest.gatewayId, 'gtw_1')
  for (const name of Object.keys(failed) as (keyof NewRecord)[])
    assert.deepEqual(rest[name], failed[name], name)
})

test('a partner sees what concerns it of its own call, and nothing of what is inside the operator', async (t) => {
  const call = await setup(t, [exchange('1', failed)])
  const { body } = await call(member('prt_1'), 'GET', '/exchanges/exc_1')
  assert.equal(body.traceId, traceId)
  assert.deepEqual(body.masked, failed.masked)
  assert.deepEqual(body.api, { title: 'SIM Swap', team: 'Identity' })
  assert.equal(body.failure.owner, 'upstream')
  const text = JSON.stringify(body)
  for (const inside of [
    'example',
    'pseudonym',
    'not documented',
    'primary',
    'gtw_1',
    'stripped',
    'undocumented',
    'cause',
  ])
    assert.ok(!text.includes(inside), inside)
  const list = await call(member('prt_1'), 'GET', `/exchanges?traceId=${traceId}`)
  assert.equal(list.body.items.length, 1)
  assert.ok(!JSON.stringify(list.body).includes('pseudonym'))
  assert.equal((await call(member('prt_2'), 'GET', '/exchanges/exc_1')).status, 404)
})

test('operators find the calls whose answer passed against its document, and partners may not ask', async (t) => {
  const passed: Partial<NewRecord> = { undocumented: true }
  const call = await setup(t, [exchange('1', passed), exchange('2'), exchange('3', passed)])
  const idsOf = async (query: string): Promise<string[]> => {
    const { body } = await call(staff(), 'GET', `/exchanges?${query}`)
    return body.items.map((item: { id: string }) => item.id).toSorted()
  }
  assert.deepEqual(await idsOf('undocumented=true'), ['exc_1', 'exc_3'])
  assert.deepEqual(await idsOf('undocumented=false'), ['exc_2'])
  const partners = await call(member('prt_1'), 'GET', '/exchanges?undocumented=true')
  assert.equal(partners.status, 403)
})

test('a flag that is not a truth value keeps the segment out', async (t) => {
  const { platform, contracts } = await testMetering(t)
  const metering = createMetering(platform, { contracts, describeApi: async () => undefined })
  const record = { ...exchange('1'), undocumented: 'yes' as unknown as boolean }
  for (const segment of await writeSegments(testFolder(t), [[record]])) {
    const result = await metering.intake('sandbox', segment.claim, segment.bytes)
    assert.notEqual(result.outcome, 'applied')
  }
})

test('a record without the details is shown without them', async (t) => {
  const call = await setup(t, [exchange('1')])
  const { body } = await call(staff(), 'GET', '/exchanges/exc_1')
  for (const name of [
    'failure',
    'traceUrl',
    'masked',
    'stripped',
    'undocumented',
    'reason',
    'upstream',
    'tier',
  ])
    assert.equal(name in body, false, name)
})

test('every rule of a gateway that may refuse is explained', () => {
  const folder = new URL('../gateway/policies/', import.meta.url)
  // They refuse nothing by their own name.
  const silent = new Set(['trace', 'sample-trace', 'forward', 'check-response'])
  for (const file of readdirSync(folder)) {
    if (file.includes('test')) continue
    const source = readFileSync(new URL(file, folder), 'utf8')
    for (const [, name = ''] of source.matchAll(/^ +name: '([\w-]+)'/gm)) {
      if (silent.has(name)) continue
      const failure = explainFailure({
        ...{ status: 500, code: null, refused_by: name, upstream_status: null, reason: null },
      })
      assert.ok(failure?.rule !== undefined, name)
    }
  }
})

const owners: [Partial<NewRecord>, string][] = [
  [{ status: 400, code: 'INVALID_ARGUMENT', refusedBy: 'validate-body' }, 'caller'],
  [{ status: 429, code: 'QUOTA_EXCEEDED', refusedBy: 'limit-quota' }, 'caller'],
  [{ status: 503, code: 'UNAVAILABLE', refusedBy: 'admit' }, 'platform'],
  [{ status: 503, code: 'UNAVAILABLE', refusedBy: 'limit-quota' }, 'platform'],
  [{ status: 500, code: 'INTERNAL', refusedBy: 'authorise' }, 'platform'],
  [{ status: 502, code: 'BAD_GATEWAY', refusedBy: 'settle-resource' }, 'upstream'],
  [{ status: 504, code: 'TIMEOUT', refusedBy: 'upstream' }, 'upstream'],
  [{ status: 502, code: 'BAD_GATEWAY', refusedBy: 'upstream', upstreamStatus: 200 }, 'upstream'],
  [
    { status: 404, code: 'IDENTIFIER_NOT_FOUND', refusedBy: 'upstream', upstreamStatus: 404 },
    'caller',
  ],
  [{ status: 500, code: 'INTERNAL', refusedBy: 'upstream', upstreamStatus: 500 }, 'upstream'],
  [{ status: 499, refusedBy: 'client' }, 'nobody'],
]
for (const [record, owner] of owners) {
  test(`${record.status} ${record.code ?? ''} by ${record.refusedBy} is for: ${owner}`, () => {
    const failure = explainFailure({
      status: record.status ?? 0,
      code: record.code ?? null,
      refused_by: record.refusedBy ?? null,
      upstream_status: record.upstreamStatus ?? null,
      reason: null,
    })
    assert.equal(failure?.owner, owner)
    assert.ok((failure?.meaning.length ?? 0) > 0)
  })
}

const causes: [Partial<NewRecord>, string, RegExp | undefined][] = [
  [
    { status: 502, code: 'BAD_GATEWAY', refusedBy: 'settle-resource', reason: reasons.foreignId },
    'upstream',
    /id of one that belongs to another caller/,
  ],
  [
    {
      status: 503,
      code: 'UNAVAILABLE',
      refusedBy: 'settle-resource',
      reason: reasons.ownerNotStored,
    },
    'platform',
    /could not write down whose it is/,
  ],
  [
    {
      status: 500,
      code: 'INTERNAL',
      refusedBy: 'upstream',
      reason: reasons.ownError,
      upstreamStatus: 500,
    },
    'upstream',
    /answered 500 itself/,
  ],
  [
    {
      status: 502,
      code: 'BAD_GATEWAY',
      refusedBy: 'upstream',
      reason: reasons.otherForm,
      upstreamStatus: 500,
    },
    'upstream',
    /answered 500 in a form .* answered 502 in its place/,
  ],
  [
    {
      status: 502,
      code: 'BAD_GATEWAY',
      refusedBy: 'upstream',
      reason: 'the status is not documented',
      upstreamStatus: 202,
    },
    'upstream',
    /answered 202 with what its document does not allow/,
  ],
  [
    {
      status: 502,
      code: 'BAD_GATEWAY',
      refusedBy: 'upstream',
      reason: reasons.gatewayRefused,
      upstreamStatus: 401,
    },
    'upstream',
    /refused the credentials of this gateway/,
  ],
  [
    {
      status: 502,
      code: 'BAD_GATEWAY',
      refusedBy: 'upstream',
      reason: `${reasons.functionCrashed} (Unhandled TypeError)`,
    },
    'upstream',
    /invoked and crashed/,
  ],
  [
    {
      status: 502,
      code: 'BAD_GATEWAY',
      refusedBy: 'upstream',
      reason: `${reasons.notInvoked} (403 AccessDeniedException)`,
    },
    'platform',
    /never run: its service refused the credentials/,
  ],
  [
    {
      status: 502,
      code: 'BAD_GATEWAY',
      refusedBy: 'upstream',
      reason: `${reasons.notInvoked} (404 ResourceNotFoundException)`,
    },
    'upstream',
    /never run: its service has no such function/,
  ],
  [
    { status: 504, code: 'TIMEOUT', refusedBy: 'upstream', reason: 'timeout' },
    'upstream',
    undefined,
  ],
  [
    { status: 404, code: 'NOT_FOUND', refusedBy: 'upstream', upstreamStatus: 404 },
    'caller',
    undefined,
  ],
]
for (const [record, owner, cause] of causes)
  test(`what happened behind the gateway is told: ${record.refusedBy} ${record.status} ${record.reason ?? ''}`, () => {
    const failure = explainFailure({
      status: record.status ?? 0,
      code: record.code ?? null,
      refused_by: record.refusedBy ?? null,
      upstream_status: record.upstreamStatus ?? null,
      reason: record.reason ?? null,
    })
    assert.equal(failure?.owner, owner)
    if (cause === undefined) assert.equal(failure.cause, undefined)
    else assert.match(failure.cause ?? '', cause)
    if (record.code === 'INTERNAL') assert.doesNotMatch(failure.meaning, /platform/)
  })
