import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { Client as HttpClient } from 'undici'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { freePort } from '#platform/free-port'
import { machineClock } from '#platform/testing-clock'
import { databaseProxy } from '../support/database-proxy.ts'
import { ask, issueToken } from '../support/partner-world.ts'
import { type Product, signUp, startProduct, temporaryFolder, until } from '../support/product.ts'
import { secondGateway } from '../support/second-gateway.ts'
import { handsetOf } from '../support/subscriber.ts'

const scope = 'location-verification:verify'
const cibaGrant = 'urn:openid:params:grant-type:ciba'
const number = '+99010000001'
/** One for each withdrawal: after a no its subscriber is left alone for a while. */
const purposes = {
  notified: 'dpv:FraudPreventionAndDetection',
  polled: 'dpv:RequestedServiceProvision',
  cutOff: 'dpv:EnforceSecurity',
  withdrawn: 'dpv:IdentityVerification',
  revoked: 'dpv:DeliveryOfGoods',
} as const
type Round = 'notified' | 'polled'

/** What is promised: with notifications, without them, and when a gateway has found PostgreSQL again. */
const boundMs = { notified: 1_000, polled: 3_000, found: 4_000 }

type Partner = Awaited<ReturnType<typeof newPartner>>

async function newPartner(
  product: Product,
  grants: readonly { grantType: string; purpose?: string; scopes: readonly string[] | '*' }[],
) {
  const { body, cookie } = await signUp(product)
  const { clientId, clientSecret } = body.credentials
  const settings = `/applications/${body.application.id}/authorization`
  const { revision } = (await ask(product, { cookie }, 'GET', settings)).body
  const set = await ask(product, { cookie }, 'PUT', settings, {
    revision,
    refreshTokens: grants.some(({ grantType }) => grantType === cibaGrant),
    grants,
  })
  assert.equal(set.status, 200, set.text)
  const operator = { token: await issueToken(product, '--role', 'operator') }
  await until(async () => {
    const { body: found } = await ask(product, { cookie }, 'GET', '/contracts?environment=sandbox')
    const id = found.items[0]?.id
    if (id === undefined) return false
    const limits = { rate: [{ limit: 10_000, windowSeconds: 1 }] }
    return (await ask(product, operator, 'PUT', `/contracts/${id}/limits`, limits)).status === 200
  }, 20_000)
  const issuer = product.wellKnown.environments.sandbox.issuer
  return {
    applicationId: body.application.id,
    cookie,
    operator,
    issuer,
    async post(path: string, fields: Record<string, string>) {
      const answer = await fetch(`${issuer}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
        },
        body: new URLSearchParams(fields),
      })
      const text = await answer.text()
      return {
        status: answer.status,
        body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
      }
    },
  }
}

type Handset = Awaited<ReturnType<typeof handsetOf>>

/** CIBA: a message, its link, the answer, and the token that rests on it. */
async function consentedToken(partner: Partner, handset: Handset, purpose: string) {
  const asked = await partner.post('/bc-authorize', {
    scope: `openid offline_access ${purpose} ${scope}`,
    login_hint: `tel:${number}`,
  })
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  await handset.submit(await handset.get(await handset.latestLink()), '/consent', {
    answer: 'allow',
  })
  const tokens = await partner.post('/token', {
    grant_type: cibaGrant,
    auth_req_id: String(asked.body.auth_req_id),
  })
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
  const { access_token: access, refresh_token: refresh } = tokens.body
  return { access: String(access), refresh: String(refresh) }
}

/** consent-info: the partner gets a link, whose page asks for a code to the phone. */
async function capturedToken(partner: Partner, handset: Handset, purpose: string, gateway: string) {
  const info = await partner.post('/token', {
    grant_type: 'client_credentials',
    scope: 'consent-info:retrieve',
  })
  const answer = await fetch(`${gateway}/consent-info/v0.2/retrieve`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${String(info.body.access_token)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      phoneNumber: number,
      scopes: [scope],
      purpose,
      requestCaptureUrl: true,
    }),
  })
  const { captureUrl } = (await answer.json()) as { captureUrl?: string }
  assert.ok(captureUrl !== undefined, `a link for ${purpose} (${answer.status})`)
  let page = await handset.get(captureUrl)
  if (page.text.includes('/consent/code')) {
    const entry = await handset.submit(page, '/consent/code', {})
    page = await handset.submit(entry, '/consent/session', { code: await handset.latestCode() })
  }
  await handset.submit(page, '/consent', { answer: 'allow' })
  const tokens = await partner.post('/token', {
    grant_type: 'client_credentials',
    scope: `${purpose} ${scope}`,
  })
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
  return String(tokens.body.access_token)
}

type Call = { node: number; client: number; sentAt: number; status: number }

/** Calls of all nodes at once, over four connections to each, and four more whenever they are asked for. */
function callLoad(nodes: readonly string[], token: string, device: string | undefined) {
  const calls: Call[] = []
  let running = true
  // Each has a connection of its own: a pool would send them all over one that is idle, to one worker.
  const clients: { node: number; http: HttpClient }[] = []
  const body = JSON.stringify({
    ...(device !== undefined && { device: { phoneNumber: device } }),
    area: {
      areaType: 'CIRCLE',
      center: { latitude: 50.735851, longitude: 7.10066 },
      radius: 50_000,
    },
  })
  const run = async ({ http, node }: (typeof clients)[number], client: number): Promise<void> => {
    while (running) {
      const sentAt = Date.now()
      const answer = await http.request({
        method: 'POST',
        path: '/location-verification/v3/verify',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body,
      })
      await answer.body.dump()
      calls.push({ node, client, sentAt, status: answer.statusCode })
      await delay(15)
    }
  }
  const work: Promise<void>[] = []
  const connect = (): void => {
    for (const [node, url] of nodes.entries())
      for (let more = 0; more < 4; more += 1) {
        const one = { node, http: new HttpClient(url, { pipelining: 1 }) }
        work.push(run(one, clients.push(one) - 1))
      }
  }
  connect()
  return {
    calls,
    connect,
    /** whether so many calls were admitted over each connection, and so by each worker */
    admitted: (count: number): boolean =>
      clients.every(
        (_, own) => calls.filter((c) => c.client === own && c.status === 200).length >= count,
      ),
    async stop() {
      running = false
      await Promise.all(work)
      await Promise.all(clients.map(({ http }) => http.close()))
    },
  }
}

/** A busy machine may give all connections of a node to one of its workers. */
async function everyWorkerCalled(
  load: ReturnType<typeof callLoad>,
  journal: () => Promise<ReadonlyMap<string, unknown>>,
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    await until(() => load.admitted(10), 30_000)
    const seen = until(async () => (await journal()).size === 4, 4_000, 300)
    if (attempt === 8) return await seen
    if (
      await seen.then(
        () => true,
        () => false,
      )
    )
      return
    load.connect()
  }
}

type Served = { gateway: string; at: number; status: number }

/** What the gateways themselves have written down, by worker. */
async function journalOf(databaseUrl: string, applicationId: string, since: number) {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<Served>(
      `select s.gateway_id as gateway, (extract(epoch from e.at) * 1000)::float8 as at, e.status::int as status
       from metering.exchange e join metering.segment s on s.id = e.segment_id
       join metering.meter m on m.id = e.meter_id
       where m.application_id = $1 and m.api_id = 'location-verification/v3' and e.at >= to_timestamp($2 / 1000.0)`,
      [applicationId, since],
    )
    return Map.groupBy(rows, ({ gateway }) => gateway)
  } finally {
    await client.end()
  }
}

test('a withdrawn consent ends every call, token and running request: within a second on every worker, and within a bound when nobody is notified', async (t) => {
  const dataDir = temporaryFolder(t)
  const postgres = await startEmbeddedPostgres({
    dataDir,
    port: await freePort(),
    settings: ['fsync=off'],
  })
  t.after(() => postgres.stop())
  const way = await databaseProxy(t, postgres.url)
  const secondWay = await databaseProxy(t, postgres.url)
  const product = await startProduct(t, {
    env: { DATABASE_URL: way.url, GATEWAY_WORKERS: '2' },
  })
  const second = await secondGateway(t, product, ({ DATABASE_URL = '', ...env }) => {
    const url = new URL(DATABASE_URL)
    url.port = new URL(secondWay.url).port
    return { ...env, DATABASE_URL: url.href }
  })
  await second.start()
  const gateway = product.wellKnown.environments.sandbox.gateway
  const nodes = [gateway, second.url]
  const now = await machineClock()
  /** How long the machine stood still so far: nobody withdraws or calls meanwhile. */
  const stillMs = (): number => performance.now() - now()

  const onBehalf = await newPartner(
    product,
    Object.values(purposes).map((purpose) => ({ grantType: cibaGrant, purpose, scopes: [scope] })),
  )
  const twoLegged = await newPartner(product, [{ grantType: 'client_credentials', scopes: '*' }])
  const phone = await handsetOf(product, onBehalf.cookie, number)
  const otherPhone = await handsetOf(product, twoLegged.cookie, number)

  const signInToPrivacy = async () => {
    const { issuer } = onBehalf
    const start = await phone.get(`${issuer}/privacy`)
    const entry = await phone.submit(start, '/privacy/code', { number })
    await phone.submit(entry, '/privacy/session', { code: await phone.latestCode() })
  }
  await signInToPrivacy()

  /** @returns when it was answered */
  const withdrawOnPrivacyPage = async (browser = phone): Promise<number> => {
    const list = await browser.get(`${onBehalf.issuer}/privacy`)
    const id = /\/privacy\/end\?id=(cns_\w+)/.exec(list.text)?.[1]
    assert.ok(id !== undefined, 'one consent is in force')
    const question = await browser.get(`${onBehalf.issuer}/privacy/end?id=${id}`)
    const { answeredAt, text } = await browser.submit(question, '/privacy/end', {})
    assert.match(text, /Withdrawn\. In effect since/)
    return answeredAt
  }
  const withdrawInConsole = async (purpose: string): Promise<number> => {
    const { operator, applicationId } = twoLegged
    const found = await ask(product, operator, 'POST', '/consents/search', {
      environment: 'sandbox',
      applicationId,
      purpose,
      state: 'GRANTED',
    })
    assert.equal(found.status, 200, found.text)
    const { id } = found.body.items[0]
    const path = `/consents/${id}/withdrawal`
    const done = await ask(product, operator, 'POST', path, { reason: 'the subscriber called' })
    assert.equal(done.status, 200, done.text)
    return Date.now()
  }

  /** Both kinds of tokens under load on all workers, a withdrawal of each, and how long calls went on. */
  const measure = async (round: Round, bound: number): Promise<void> => {
    const purpose = purposes[round]
    const { access } = await consentedToken(onBehalf, phone, purpose)
    const own = await capturedToken(twoLegged, otherPhone, purpose, gateway)
    for (const [name, partner, load, withdraw] of [
      [
        '3-legged, privacy page',
        onBehalf,
        callLoad(nodes, access, undefined),
        () => withdrawOnPrivacyPage(),
      ],
      [
        '2-legged, console',
        twoLegged,
        callLoad(nodes, own, number),
        () => withdrawInConsole(purpose),
      ],
    ] as const) {
      const begun = Date.now()
      await everyWorkerCalled(load, () => journalOf(postgres.url, partner.applicationId, begun))
      const stoodBefore = stillMs()
      const withdrawnAt = await withdraw()
      await until(() => load.calls.some(({ sentAt }) => sentAt > withdrawnAt + bound + 300), 30_000)
      const stoodMs = stillMs() - stoodBefore
      await load.stop()
      let byWorker = new Map<string, Served[]>()
      const complete = (served: readonly Served[]): boolean =>
        served.some(({ at }) => at > withdrawnAt + bound)
      await until(
        async () => {
          byWorker = await journalOf(postgres.url, partner.applicationId, begun)
          return byWorker.size === 4 && [...byWorker.values()].every(complete)
        },
        30_000,
        300,
      )
      for (const [worker, served] of [...byWorker].sort()) {
        const good = served.filter(({ status }) => status === 200).map(({ at }) => at)
        const before = good.filter((at) => at < withdrawnAt && at > withdrawnAt - 3_000).length
        const after = served.filter(({ at, status }) => at > withdrawnAt && status === 403).length
        // Neither a worker that was idle nor one that refused everything has shown anything.
        assert.ok(before > 3, `${worker} admitted ${before} calls before the withdrawal`)
        const late = served.filter(({ at }) => at > withdrawnAt).map(({ status }) => status)
        assert.ok(after > 3, `${worker} refused ${after} calls after it: ${late}`)
        const lastMs = Math.round(Math.max(...good) - withdrawnAt)
        t.diagnostic(
          `${round}, ${name}, ${worker}: the last call was admitted ${lastMs} ms after it`,
        )
        assert.ok(
          lastMs < bound + stoodMs,
          `${worker} admitted a call ${lastMs} ms after the withdrawal`,
        )
        const others = served.filter(({ status }) => status !== 200 && status !== 403)
        assert.deepEqual(others, [])
      }
    }
  }

  await t.test('with notifications', () => measure('notified', boundMs.notified))

  await t.test('without them, by asking', async () => {
    for (const one of [way, secondWay]) one.block(' feed')
    // A feed for each worker of either environment and the listener of control; a feed for each worker of the second.
    const cut = [way.refused(), secondWay.refused()]
    assert.ok((cut[0] ?? 0) >= 5 && (cut[1] ?? 0) >= 2, `cut: ${cut}`)
    await measure('polled', boundMs.polled)
    for (const one of [way, secondWay]) one.unblock()
  })

  await t.test('while no control process does anything', async () => {
    const revoked = await consentedToken(onBehalf, phone, purposes.revoked)
    const again = await onBehalf.post('/token', {
      grant_type: 'refresh_token',
      refresh_token: revoked.refresh,
    })
    // After the others: the privacy page lists it first.
    const withdrawn = await consentedToken(onBehalf, phone, purposes.withdrawn)
    const own = await capturedToken(twoLegged, otherPhone, purposes.cutOff, gateway)
    const loads = {
      'a revoked token': callLoad(nodes, revoked.access, undefined),
      'a token of an ended grant': callLoad(nodes, String(again.body.access_token), undefined),
      '3-legged': callLoad(nodes, withdrawn.access, undefined),
      '2-legged': callLoad(nodes, own, number),
    }
    const lastGood = ({ calls }: ReturnType<typeof callLoad>): number =>
      Math.max(...calls.filter(({ status }) => status === 200).map(({ sentAt }) => sentAt))
    await until(() => Object.values(loads).every((load) => load.admitted(5)), 30_000)
    // The other phone is signed in: it was asked for a code when its consent was captured.
    const [control = 0] = product.rolePids()
    process.kill(control, 'SIGSTOP')
    try {
      for (const token of [revoked.access, revoked.refresh]) {
        const answer = await onBehalf.post('/revoke', { token })
        assert.equal(answer.status, 200, JSON.stringify(answer.body))
      }
      for (const browser of [phone, otherPhone]) await withdrawOnPrivacyPage(browser)
      const endedAt = Date.now()
      const stoodBefore = stillMs()
      const isOver = ({ calls }: ReturnType<typeof callLoad>): boolean =>
        calls.some(({ sentAt }) => sentAt > endedAt + boundMs.notified + 300)
      await until(() => Object.values(loads).every(isOver), 30_000)
      const within = boundMs.notified + stillMs() - stoodBefore
      for (const [name, load] of Object.entries(loads)) {
        const lastMs = lastGood(load) - endedAt
        t.diagnostic(`without control, ${name}: the last call was admitted ${lastMs} ms after it`)
        assert.ok(lastMs < within, `${name} was admitted ${lastMs} ms after its end`)
        const late = load.calls.filter(({ sentAt }) => sentAt > endedAt + within)
        const refusals = new Set(late.map(({ status }) => status))
        assert.deepEqual([...refusals], [name.includes('-legged') ? 403 : 401], name)
      }
    } finally {
      process.kill(control, 'SIGCONT')
      await Promise.all(Object.values(loads).map((load) => load.stop()))
    }
  })

  await t.test(
    'tokens and requests end, too, and a gateway without PostgreSQL ends it when it is back',
    async () => {
      const purpose = purposes.cutOff
      const { access, refresh } = await consentedToken(onBehalf, phone, purpose)
      const running = await onBehalf.post('/bc-authorize', {
        scope: `openid ${purpose} ${scope}`,
        login_hint: `tel:${number}`,
      })
      const active = async (token: string) =>
        (await onBehalf.post('/introspect', { token })).body.active
      assert.deepEqual([await active(access), await active(refresh)], [true, true])
      const load = callLoad(nodes, access, undefined)
      const lastGood = (node: number): number =>
        Math.max(
          ...load.calls.filter((c) => c.node === node && c.status === 200).map((c) => c.sentAt),
        )
      await until(() => [0, 1].every((node) => lastGood(node) > 0), 20_000)
      secondWay.block('')
      const stoodBefore = stillMs()
      const withdrawnAt = await withdrawOnPrivacyPage()
      assert.deepEqual([await active(access), await active(refresh)], [false, false])
      const refreshed = await onBehalf.post('/token', {
        grant_type: 'refresh_token',
        refresh_token: refresh,
      })
      assert.deepEqual([refreshed.status, refreshed.body.error], [400, 'invalid_grant'])
      const polled = await onBehalf.post('/token', {
        grant_type: cibaGrant,
        auth_req_id: String(running.body.auth_req_id),
      })
      assert.deepEqual([polled.status, polled.body.error], [400, 'access_denied'])

      await until(() => load.calls.some(({ sentAt }) => sentAt > withdrawnAt + 2_000), 20_000)
      const within = boundMs.notified + stillMs() - stoodBefore
      assert.ok(lastGood(0) - withdrawnAt < within, 'the other gateway has heard of it')
      assert.ok(
        lastGood(1) - withdrawnAt > 1_500,
        'this one serves what it knew, until the token ends',
      )
      secondWay.unblock()
      const backAt = Date.now()
      const stoodByThen = stillMs()
      await until(
        () => load.calls.some(({ sentAt }) => sentAt > backAt + boundMs.found + 300),
        30_000,
      )
      const stoodMs = stillMs() - stoodByThen
      await load.stop()
      const lateMs = lastGood(1) - backAt
      t.diagnostic(`a gateway refused ${lateMs} ms after PostgreSQL was back`)
      assert.ok(lateMs < boundMs.found + stoodMs, `${lateMs} ms after PostgreSQL was back`)
    },
  )
})
