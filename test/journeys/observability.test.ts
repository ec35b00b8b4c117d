import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ask, bodyAs, issueToken } from '../support/partner-world.ts'
import {
  accessToken,
  type Product,
  type Registration,
  signUp,
  startProduct,
  until,
} from '../support/product.ts'

const number = '99010000002'
const failing = '+99010000503'
const secrets = {
  number,
  unknown: '99019876543',
  path: '99055500011',
  query: '99055500012',
  header: '99055500013',
  agent: '99055500014',
  state: '99055500015',
  baggage: '99055500016',
  cookie: '99055500017',
  forwarded: '99055500018',
  malformed: '99055500019',
  host: '99055500020',
  text: '99055500021',
}
const apiKey = 'wl_sbx_ak_THISisNOTaKEYbutLOOKSlikeONE0'

describe('what is seen of calls', () => {
  let product: Product
  let partner: Registration
  let operator: { token: string }
  let token: string
  const spans: string[] = []
  const cleanUps: (() => Promise<void> | void)[] = []

  before(async () => {
    const collector = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        spans.push(body)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    })
    await new Promise<void>((resolve) => {
      collector.listen(0, '127.0.0.1', resolve)
    })
    cleanUps.push(() => {
      collector.close()
      collector.closeAllConnections()
    })
    product = await startProduct(
      { after: (fn) => void cleanUps.push(fn) },
      {
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
          OTEL_TRACES_SAMPLER_ARG: '1',
          WAYLEAVE_TRACE_URL: 'https://traces.example/{traceId}',
          WAYLEAVE_LOG_LEVEL: 'debug',
        },
      },
    )
    partner = (await signUp(product)).body
    operator = { token: await issueToken(product, '--role', 'operator') }
    token = await accessToken(
      partner.firstCall.tokenUrl,
      partner.credentials.clientId,
      partner.credentials.clientSecret,
      'sim-swap:check',
    )
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const gateway = (): string => product.wellKnown.environments.sandbox.gateway
  const call = (
    phoneNumber: string,
    correlator: string,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    fetch(`${gateway()}/sim-swap/v2/check`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-correlator': correlator,
        ...headers,
      },
      body: JSON.stringify({ phoneNumber }),
    })

  /** Numbers, tokens and keys by every way in that a caller has. */
  async function pump(): Promise<void> {
    const url = gateway()
    await call(`+${number}`, 'pump-good', {
      'user-agent': secrets.agent,
      'x-device': secrets.header,
      tracestate: `rojo=${secrets.state}`,
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      baggage: `n=${secrets.baggage}`,
      cookie: `n=${secrets.cookie}`,
      'x-forwarded-for': secrets.forwarded,
    })
    await call(`+${secrets.unknown}`, 'pump-unknown')
    await call(failing, 'pump-failing')
    const post = (address: string, authorization: string, body: string): Promise<Response> =>
      fetch(url + address, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'x-correlator': 'pump' },
        body,
      })
    await post('/sim-swap/v2/check', `Bearer ${token}`, `{"phoneNumber":"+${secrets.text}"`)
    await post('/sim-swap/v2/check', `Bearer ${token}`, `{"${secrets.text}":"+${secrets.text}"}`)
    await post('/sim-swap/v2/check', `Bearer ${token.slice(0, -4)}AAAA`, '{}')
    await post('/sim-swap/v2/check', `Bearer ${apiKey}`, '{}')
    await post('/sim-swap/v2/check', `Basic ${Buffer.from(secrets.text).toString('base64')}`, '{}')
    await fetch(`${url}/sim-swap/v2/check`, { headers: { 'x-api-key': apiKey } })
    await fetch(`${url}/sim-swap/v2/${secrets.path}?phoneNumber=%2B${secrets.query}`)
    await fetch(`${url}/${secrets.path}/..%2f${secrets.path}?n=${secrets.query}`)
    const { port } = new URL(url)
    for (const bytes of [
      `GET /${secrets.malformed} HTTP/1.1\r\nhost: ${secrets.host}\r\nhost: b\r\n\r\n`,
      `${secrets.malformed}\r\n\r\n`,
      `GET http://${secrets.host}/ HTTP/1.1\r\nhost: a\r\n\r\n`,
      `POST /sim-swap/v2/check HTTP/1.1\r\nhost: localhost:${port}\r\nauthorization: Bearer ${apiKey}\r\ntransfer-encoding: ${secrets.malformed}\r\n\r\n`,
    ])
      await raw(Number(port), bytes)
  }

  test('a call that failed leads from its correlator to its owner, its rule and its trace', async () => {
    const response = await call(failing, 'why-did-it-fail')
    assert.ok(response.status >= 500, `${response.status}`)
    let id = ''
    await until(async () => {
      const { body } = await ask(product, operator, 'GET', '/exchanges?correlator=why-did-it-fail')
      const [found] = (body as { items: { id: string }[] }).items
      id = found?.id ?? ''
      return id !== ''
    }, 10_000)
    const detail = bodyAs<
      Record<string, unknown> & {
        failure: Record<string, unknown>
        api: Record<string, unknown>
        traceId: string
      }
    >(await ask(product, operator, 'GET', `/exchanges/${id}`))
    assert.equal(detail.failure.owner, 'upstream')
    assert.match(String(detail.failure.contact), /@/)
    assert.equal(detail.failure.team, detail.api.team)
    assert.equal(detail.refusedBy, 'upstream')
    assert.equal(typeof detail.upstreamMs, 'number')
    assert.equal(typeof detail.upstream, 'string')
    assert.equal(detail.traceUrl, `https://traces.example/${detail.traceId}`)
    await until(() => spans.some((body) => body.includes(detail.traceId)), 10_000)
    const page = await fetch(`${product.wellKnown.portal}${detail.failure.documentation}`)
    assert.equal(page.status, 200)
  })

  test('both gateways are known with the snapshot that they serve, and what they say of upstreams', async () => {
    type Gateways = { items: { environment: string; state: string; behind: number }[] }
    await until(async () => {
      const { items } = bodyAs<Gateways>(await ask(product, operator, 'GET', '/gateways'))
      return items.length === 2 && items.every((one) => one.state === 'live' && one.behind === 0)
    }, 10_000)
    const { items } = bodyAs<{
      items: { revision: number; gateways: { revision: number }[] }[]
    }>(await ask(product, operator, 'GET', '/snapshot'))
    for (const { revision, gateways } of items)
      assert.deepEqual(
        gateways.map((one) => one.revision),
        [revision],
      )
    const reports = bodyAs<{
      items: { fault?: string; upstreams: { api: string }[] }[]
    }>(await ask(product, operator, 'GET', '/gateways/reports'))
    assert.deepEqual(
      reports.items.map(({ fault, upstreams }) => [fault, upstreams.length > 0]),
      [
        [undefined, true],
        [undefined, true],
      ],
    )
  })

  test('numbers, tokens and keys that are sent by any way are in no log, journal, metric, trace or stream', async () => {
    const live = await watch(`${product.wellKnown.management}/exchanges/live`, operator.token)
    cleanUps.push(live.stop)
    await until(() => /"state":"connected".*"state":"connected"/.test(live.text()), 10_000)
    await pump()
    await until(() => live.text().includes('pump-failing'), 10_000)
    await until(async () => {
      const { body } = await ask(product, operator, 'GET', '/exchanges?correlator=pump-failing')
      return (body as { items: unknown[] }).items.length === 1
    }, 10_000)
    await until(
      () => spans.some((body) => body.includes('4bf92f3577b34da6a3ce929d0e0e4736')),
      10_000,
    )
    const seen: Record<string, string> = { live: live.text(), spans: spans.join('\n') }
    for (const folder of ['logs', 'journal'])
      for (const [file, text] of filesBelow(path.join(product.dataDir, folder))) seen[file] = text
    for (let offset = 8; offset <= 12; offset += 1) {
      const answer = await fetch(`http://127.0.0.1:${product.portBase + offset}/metrics`)
      seen[`metrics ${offset}`] = await answer.text()
    }
    const list = await ask(product, operator, 'GET', '/exchanges?perPage=100')
    seen.exchanges = JSON.stringify(list.body)
    // What is looked through is there.
    for (const place of ['journal/', 'logs/', 'spans', 'metrics', 'live'])
      assert.ok(
        Object.entries(seen).some(([name, text]) => name.includes(place) && text.length > 0),
        place,
      )
    assert.match(seen.exchanges, /pump-good/)
    const sent = {
      ...secrets,
      token: token.slice(0, 40),
      signature: token.slice(-40),
      secret: partner.credentials.clientSecret,
      apiKey,
    }
    for (const [where, text] of Object.entries(seen))
      for (const [what, value] of Object.entries(sent))
        assert.ok(!withoutTimes(text).includes(value), `the ${what} is in ${where}`)
    assert.ok(!Object.values(seen).join('').includes('"unlisted"'))
  })
})

/** Metrics have sums with many digits: only their names and labels are looked at. */
const withoutTimes = (text: string): string => text.replaceAll(/ [0-9.e+-]+$/gm, '')

function filesBelow(folder: string): [string, string][] {
  return readdirSync(folder).flatMap((name) => {
    const file = path.join(folder, name)
    if (statSync(file).isDirectory()) return filesBelow(file)
    const bytes = readFileSync(file)
    const text = name.endsWith('.gz') ? gunzipSync(bytes).toString() : bytes.toString('latin1')
    return [[file, text] satisfies [string, string]]
  })
}

const raw = (port: number, bytes: string): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const done = (): void => {
      socket.destroy()
      resolve()
    }
    socket.once('data', done)
    socket.once('error', done)
    socket.once('close', done)
    socket.setTimeout(2_000, done)
  })

async function watch(
  url: string,
  token: string,
): Promise<{ text: () => string; stop: () => void }> {
  const abort = new AbortController()
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  })
  assert.equal(response.status, 200)
  let text = ''
  const decoder = new TextDecoder()
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  }
  read().catch(() => undefined)
  return { text: () => text, stop: () => abort.abort() }
}
