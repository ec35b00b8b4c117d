import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:http2'
import { request as requestTls } from 'node:https'
import { test } from 'node:test'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'
import { AcceptedHosts } from './accepted-hosts.ts'
import { testCertificate } from './testing-tls.ts'

const key = testKey()
const body = '{"phoneNumber":"+99012345678"}'
const headers = {
  authorization: `Bearer ${key.token(1)}`,
  'content-type': 'application/json',
  'content-length': body.length,
}
const path = '/sim-swap/v2/check'
type Answer = { status: number; code: string | undefined; message: string | undefined }

const answerOf = (status: number, text: string): Answer => {
  const { code, message } = JSON.parse(text) as { code?: string; message?: string }
  return { status, code, message }
}

function http1(send: typeof request, options: object, host: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = { method: 'POST', path, host: '127.0.0.1', agent: false, ...options }
    const sent = send({ ...asked, headers: { ...headers, host } }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, text)))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function http2(port: number, ca: string, host: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // An IP address has no server name: whatever authority follows is not compared with one.
    const session = connect(`https://127.0.0.1:${port}`, {
      ca,
      checkServerIdentity: () => undefined,
    })
    session.on('error', reject)
    const stream = session.request({
      ...headers,
      ':method': 'POST',
      ':path': path,
      ':authority': host,
    })
    let status = 0
    let text = ''
    stream.on('response', (fields) => {
      status = Number(fields[':status'])
    })
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    stream.on('end', () => {
      session.destroy()
      resolve(answerOf(status, text))
    })
    stream.on('error', reject)
    stream.end(body)
  })
}

test('a host that is not this gateway’s is 421 in every protocol, and says what its operator sets', async (t) => {
  const upstream = await testUpstream(t)
  const own = await testCertificate(t)
  const { gateway, journal } = await testGateway(
    t,
    [simSwap(upstream.url), key.entry, ...customer(1)],
    {
      hosts: { names: ['api.example', '192.0.2.7'], ownAddresses: false },
      tls: { host: '127.0.0.1', port: 0, ...own },
    },
  )
  const port = gateway.port()
  const tlsPort = gateway.tlsPort() ?? 0
  const tls = { port: tlsPort, servername: '', rejectUnauthorized: false }
  const ask = (host: string): Promise<Answer>[] => [
    http1(request, { port }, host),
    http1(requestTls as typeof request, tls, host),
    http2(tlsPort, own.cert, host),
  ]
  for (const host of [
    'evil.example',
    'api.example.evil.example',
    'xapi.example',
    '192.0.2.8',
    '10.0.0.1',
  ])
    for (const answer of await Promise.all(ask(host))) {
      assert.deepEqual([answer.status, answer.code], [421, 'INVALID_ARGUMENT'], host)
      assert.match(answer.message ?? '', /WAYLEAVE_GATEWAY_HOSTS/)
      assert.ok(!answer.message?.includes(host))
    }
  assert.equal(upstream.requests.length, 0)
  assert.ok(journal.records.every(({ refusedBy }) => refusedBy === 'accept-host'))
  for (const host of [
    'api.example',
    'API.Example:443',
    'api.example.',
    '192.0.2.7:8082',
    'localhost:1',
  ])
    for (const { status } of await Promise.all(ask(host))) assert.equal(status, 200, host)
})

const here = { localAddress: '127.0.0.1' }
const lan = { localAddress: '::ffff:192.0.2.7' }
const six = { localAddress: '2001:db8::7' }
const named = (ownAddresses: boolean) => new AcceptedHosts({ names: ['gw.example'], ownAddresses })

test('over the loopback a gateway has the names of the loopback, and from elsewhere it has not', () => {
  for (const host of [
    'localhost',
    'LOCALHOST:81',
    '127.0.0.1:8082',
    '127.1.2.3',
    '[::1]:8082',
    '[0:0::1]',
  ]) {
    assert.equal(named(false).accepts(host, here), true, host)
    assert.equal(named(false).accepts(host, { localAddress: '::1' }), true, host)
    assert.equal(named(true).accepts(host, lan), false, host)
  }
})

test('without a public name a gateway is found by the address that a connection came to, and no other', () => {
  assert.equal(named(true).accepts('192.0.2.7:8082', lan), true)
  assert.equal(named(true).accepts('[::ffff:192.0.2.7]', lan), true)
  assert.equal(named(true).accepts('[2001:DB8:0::7]:1', six), true)
  assert.equal(named(true).accepts('192.0.2.8', lan), false)
  assert.equal(named(true).accepts('other.example', lan), false)
  assert.equal(named(true).accepts('', {}), false)
  assert.equal(named(false).accepts('192.0.2.7', lan), false)
  assert.equal(named(false).accepts('[2001:db8::7]', six), false)
})

test('what was accepted once is not accepted in another spelling, however many spellings come', () => {
  const hosts = named(false)
  for (let port = 1; port < 1_000; port += 1)
    assert.equal(hosts.accepts(`gw.example:${port}`, lan), true)
  assert.equal(hosts.accepts('gw.example.other', lan), false)
})

test('a host that was right at one address is not right at another one for that', () => {
  const hosts = named(true)
  for (const host of ['localhost:81', '127.0.0.1:8082'])
    for (const [at, right] of [
      [here, true],
      [here, true],
      [lan, false],
      [{}, false],
      [here, true],
    ] as const)
      assert.equal(hosts.accepts(host, at), right, host)
  assert.equal(hosts.accepts('192.0.2.7', lan), true)
  assert.equal(hosts.accepts('192.0.2.7', here), false)
  assert.equal(hosts.accepts('192.0.2.7', six), false)
})
