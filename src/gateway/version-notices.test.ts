import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { manualClock } from '#platform/clock'
import type { ApiEntry } from '#snapshot'
import { audience, customer, testGateway, testKey, testUpstream } from './testing.ts'
import { payments, simSwap } from './testing-entries.ts'

const portalUrl = 'https://portal.example'
const key = testKey()
const check = '/sim-swap/v2/check'

/** A version that was deprecated a day ago and ends in a minute, as a gateway serves it. */
async function setUp(t: TestContext, more: Partial<ApiEntry> = {}, portal: string = portalUrl) {
  const upstream = await testUpstream(t)
  const clock = manualClock(new Date().toISOString())
  const at = (ms: number): string => new Date(clock.now().getTime() + ms).toISOString()
  const retirement = {
    deprecatedAt: at(-86_400_000),
    sunsetAt: at(60_000),
    successor: 'sim-swap/v3',
  }
  const api = simSwap(upstream.url, { lifecycle: 'deprecated', retirement, ...more })
  const next = simSwap(upstream.url, {
    ...{ id: 'sim-swap/v3', version: 'v3', basePath: '/sim-swap/v3' },
  })
  const entries = [...customer(1), key.entry, api, next, payments(upstream.url)]
  const gateway = await testGateway(t, entries, {
    clock,
    portalUrl: portal === '' ? undefined : portal,
  })
  const call = (path = check, init: RequestInit = {}): Promise<Response> =>
    fetch(gateway.url + path, {
      method: 'POST',
      body: '{"phoneNumber":"+99010000001"}',
      headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
      ...init,
    })
  return { ...gateway, upstream, clock, retirement, api, next, call }
}

const noticeOf = ({ headers }: Response) => ({
  deprecation: headers.get('deprecation'),
  sunset: headers.get('sunset'),
  link: headers.get('link'),
})

test('every answer of a deprecated version tells when it ends and where to go, errors and wrong addresses too', async (t) => {
  const { call, retirement, upstream } = await setUp(t)
  const expected = {
    deprecation: `@${Math.floor(Date.parse(retirement.deprecatedAt) / 1_000)}`,
    sunset: new Date(retirement.sunsetAt).toUTCString(),
    link: `<${portalUrl}/apis/sim-swap/v3>; rel="successor-version"; type="text/html", <${portalUrl}/apis/sim-swap/v2>; rel="deprecation"; type="text/html"`,
  }
  const answers = {
    200: await call(),
    401: await call(check, { headers: { 'content-type': 'application/json' } }),
    400: await call(check, { body: '{"phoneNumber":5}' }),
    404: await call('/sim-swap/v2/nothing'),
    405: await call(check, { method: 'PUT' }),
    415: await call(check, {
      headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'text/plain' },
    }),
  }
  upstream.answer = (_request, response) => response.destroy()
  for (const [status, response] of Object.entries({ ...answers, 502: await call() })) {
    assert.equal(String(response.status), status)
    assert.deepEqual(noticeOf(response), expected, status)
  }
})

test('a version that goes on says nothing of an end, also beside one that ends', async (t) => {
  const { call } = await setUp(t)
  const response = await call('/payments/v0.5/payments', { method: 'GET', body: null })
  assert.deepEqual(noticeOf(response), { deprecation: null, sunset: null, link: null })
  const elsewhere = await call('/sim-swap/v20/check')
  assert.deepEqual(noticeOf(elsewhere), { deprecation: null, sunset: null, link: null })
})

test('at its last moment a version is gone without a new snapshot, whatever is asked of it, and its answer says where to go', async (t) => {
  const { call, clock, upstream, journal, retirement } = await setUp(t)
  assert.equal((await call()).status, 200)
  clock.advance(59_999)
  assert.equal((await call()).status, 200)
  clock.advance(1)
  const day = retirement.sunsetAt.slice(0, 10)
  for (const response of [
    await call(),
    await call(check, { headers: {} }),
    await call('/sim-swap/v2/nothing', { method: 'GET', body: null }),
    await call(check, { method: 'DELETE' }),
  ]) {
    assert.equal(response.status, 410)
    assert.match(response.headers.get('link') ?? '', /rel="successor-version"/)
    assert.equal(response.headers.get('sunset'), new Date(retirement.sunsetAt).toUTCString())
    assert.deepEqual(await response.json(), {
      status: 410,
      code: 'GONE',
      message: `sim-swap/v2 was retired on ${day}. Use sim-swap/v3 at ${audience}/sim-swap/v3, described at ${portalUrl}/apis/sim-swap/v3.`,
    })
  }
  assert.equal(upstream.requests.length, 2)
  assert.deepEqual(
    journal.records.filter(({ status }) => status === 410).map(({ units }) => units),
    [0, 0, 0, 0],
  )
})

test('a retired version is gone with the same words, and one that was taken back answers without them', async (t) => {
  const { call, snapshot, api, retirement } = await setUp(t)
  snapshot.put({ ...api, lifecycle: 'retired' })
  const gone = await call()
  assert.equal(gone.status, 410)
  assert.match(((await gone.json()) as { message: string }).message, /Use sim-swap\/v3 at/)
  assert.equal(gone.headers.get('sunset'), new Date(retirement.sunsetAt).toUTCString())
  const { retirement: _, ...without } = api
  snapshot.put({ ...without, lifecycle: 'retired' })
  const bare = await call()
  assert.equal(bare.status, 410)
  assert.deepEqual(noticeOf(bare), {
    deprecation: null,
    sunset: null,
    link: `<${portalUrl}/apis/sim-swap/v2>; rel="deprecation"; type="text/html"`,
  })
  snapshot.put({ ...without, lifecycle: 'published' })
  const back = await call()
  assert.equal(back.status, 200)
  assert.deepEqual(noticeOf(back), { deprecation: null, sunset: null, link: null })
})

test('a successor is linked from the moment on that it is published, and not before or after', async (t) => {
  const { call, snapshot, api, next } = await setUp(t)
  const ownPage = `<${portalUrl}/apis/sim-swap/v2>; rel="deprecation"; type="text/html"`
  const linked = `<${portalUrl}/apis/sim-swap/v3>; rel="successor-version"; type="text/html", ${ownPage}`
  const link = async (): Promise<string | null> => noticeOf(await call()).link
  assert.equal(await link(), linked)
  for (const lifecycle of ['draft', 'retired'] as const) {
    snapshot.put({ ...next, lifecycle })
    assert.equal(await link(), ownPage, lifecycle)
    snapshot.put({ ...next, lifecycle: 'published' })
    assert.equal(await link(), linked)
  }
  snapshot.put({ ...next, lifecycle: 'draft' })
  snapshot.put({ ...api, lifecycle: 'retired' })
  const gone = await call()
  assert.equal(gone.headers.get('link'), ownPage)
  const messageOf = async (response: Response): Promise<string> =>
    ((await response.json()) as { message: string }).message
  assert.match(await messageOf(gone), / sim-swap\/v3 will take its place\.$/)
  // Published, and not served from here yet: there is a page, and no address that would answer.
  snapshot.put({ ...next, upstream: { kind: 'none', timeoutMs: 1_000 } })
  const described = await call()
  assert.equal(described.headers.get('link'), linked)
  assert.match(
    await messageOf(described),
    / Use sim-swap\/v3, described at https:\/\/portal\.example\/apis\/sim-swap\/v3\.$/,
  )
})

test('without a portal a successor is linked by the address that serves it', async (t) => {
  const { call } = await setUp(t, {}, '')
  assert.equal(noticeOf(await call()).link, `<${audience}/sim-swap/v3>; rel="successor-version"`)
})
