import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp, setGlobalProxyFromEnv } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createEgress, type EgressError, type EgressOptions } from './egress.ts'
import { createAddressFilter } from './public-addresses.ts'
import { makeCertificate } from './testing-certificates.ts'
import { machineClock } from './testing-clock.ts'

const faultOf = async (asked: Promise<unknown>): Promise<string> => {
  const error: unknown = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.equal((error as Error | undefined)?.name, 'EgressError', String(error))
  return (error as EgressError).fault
}

const isPublic = (address: string): boolean => createAddressFilter([]).isPublic(address)

for (const address of [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.9.9.9', '169.254.169.254'],
  ...['172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.0.1'],
  ...['198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.9', '224.0.0.1', '240.0.0.1'],
  ...['255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::8.8.8.8'],
  ...['64:ff9b::a00:1', '64:ff9b:1::a00:1', '100::1', '2001::1', '2001:0:4136:e378::', '2001:2::1'],
  ...['2001:10::1', '2001:db8::1', '2002:a00:1::', '2002:808:808::', '3fff::1', '5f00::1'],
  ...['fc00::1', 'fd12:3456::1', 'fe80::1', 'fec0::1', 'ff02::1', '2606:4700::5efe:a00:1'],
  ...['2606:4700::200:5efe:10.0.0.1', 'nonsense', ''],
])
  test(`calls nobody at ${address === '' ? 'no address' : address}`, () => {
    assert.equal(isPublic(address), false)
  })

test('addresses of the public network may be called', () => {
  for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111'])
    assert.equal(isPublic(address), true, address)
})

for (const [url, what] of [
  ['http://partner.example/jwks', 'https'],
  ['ftp://partner.example/', 'https'],
  ['file:///etc/passwd', 'https'],
  ['https://user:secret@partner.example/', 'user name'],
  ['https://partner.example/#', 'fragment'],
  ['https://127.0.0.1/', 'private'],
  ['https://2130706433/', 'private'],
  ['https://0x7f.1/', 'private'],
  ['https://0177.0.0.01/', 'private'],
  ['https://127.1/', 'private'],
  ['https://127.0.0.1./', 'private'],
  ['https://①②⑦.0.0.1/', 'private'],
  ['https://[::1]/', 'private'],
  ['https://[::ffff:7f00:1]/', 'private'],
  ['https://[64:ff9b::7f00:1]/', 'private'],
  ['https://169.254.169.254/latest/meta-data', 'private'],
  ['https://localhost/', 'private'],
  ['https://metadata.google.internal/', 'private'],
  ['https://partner.example:22/', 'port'],
  ['https://partner.example:6379/', 'port'],
  ['not an address', 'whole address'],
] as const)
  test(`says of ${url} what is wrong before anything is asked, and asks nothing`, async () => {
    let resolved = 0
    const egress = createEgress({
      networks: [],
      resolve: async () => {
        resolved += 1
        return ['8.8.8.8']
      },
    })
    assert.match(egress.addressFault(url) ?? '', new RegExp(what))
    assert.equal(await faultOf(egress.fetchGuarded(url)), 'address')
    assert.equal(resolved, 0)
  })

type Answer = Parameters<typeof createServer>[1]

/** A real server with TLS for `partner.example` on a port of this machine. */
async function partnerServer(t: TestContext, answer: Answer, options: Partial<EgressOptions> = {}) {
  const ca = await makeCertificate({ name: 'CN=ca', authority: {} })
  const own = await makeCertificate({ issuer: ca, dnsNames: ['partner.example'] })
  const server: Server = createServer({ key: own.key, cert: own.pem }, answer)
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const egress = createEgress({
    networks: ['127.0.0.0/8'],
    resolve: async () => ['127.0.0.1'],
    ca: ca.pem,
    ...options,
  })
  return { egress, url: `https://partner.example:${port}/jwks?x=1`, connections: () => connections }
}

test('asks the address that was checked under the name of the host, and gives back what it says', async (t) => {
  const { egress, url } = await partnerServer(t, (request, response) => {
    const { host, 'accept-encoding': coding, connection } = request.headers
    const name = (request.socket as unknown as { servername: string }).servername
    response.end(JSON.stringify({ host, coding, connection, name, url: request.url }))
  })
  const { status, body } = await egress.fetchGuarded(url)
  assert.equal(status, 200)
  assert.deepEqual(JSON.parse(body.toString()), {
    host: new URL(url).host,
    coding: 'identity',
    connection: 'close',
    name: 'partner.example',
    url: '/jwks?x=1',
  })
})

test('a certificate for another name, or of an unknown authority, is not believed', async (t) => {
  const { egress, url } = await partnerServer(t, (_request, response) => response.end('{}'))
  const other = url.replace('partner.example', 'other.example')
  assert.equal(await faultOf(egress.fetchGuarded(other)), 'unreachable')
  const strangers = createEgress({ networks: ['127.0.0.0/8'], resolve: async () => ['127.0.0.1'] })
  assert.equal(await faultOf(strangers.fetchGuarded(url)), 'unreachable')
})

test('a host with one private address among public ones is not called at all', async () => {
  for (const addresses of [
    ['8.8.8.8', '10.0.0.1'],
    ['127.0.0.1'],
    ['2606:4700::1111', '::ffff:10.0.0.1'],
    ['64:ff9b::a9fe:a9fe'],
  ]) {
    const egress = createEgress({ networks: [], resolve: async () => addresses })
    assert.equal(await faultOf(egress.fetchGuarded('https://partner.example/')), 'address')
  }
})

test('a name is resolved once, so a second answer that leads inside is never used', async (t) => {
  const answers = [['127.0.0.1'], ['10.0.0.1'], ['10.0.0.1']]
  let asked = 0
  const { egress, url } = await partnerServer(t, (_request, response) => response.end('ok'), {
    resolve: async () => answers[asked++] ?? [],
  })
  assert.equal((await egress.fetchGuarded(url)).body.toString(), 'ok')
  assert.equal(asked, 1)
  // The operator named 127.0.0.0/8 only, so the next one is refused.
  assert.equal(await faultOf(egress.fetchGuarded(url)), 'address')
})

test('another address is tried where nobody listens, and none after an answer', async (t) => {
  const { egress, url, connections } = await partnerServer(
    t,
    (_request, response) => response.end('ok'),
    { resolve: async () => ['127.0.0.2', '127.0.0.1'] },
  )
  assert.equal((await egress.fetchGuarded(url)).body.toString(), 'ok')
  assert.equal(connections(), 1)
})

test('redirects are not followed, wherever they lead', async (t) => {
  let requests = 0
  const { egress, url } = await partnerServer(t, (_request, response) => {
    requests += 1
    response.writeHead(302, { location: 'https://169.254.169.254/' }).end()
  })
  assert.equal(await faultOf(egress.fetchGuarded(url)), 'redirect')
  assert.equal(requests, 1)
})

test('the deadline is for all of it: a body that trickles, headers that never come, a name that hangs', async (t) => {
  const { egress, url } = await partnerServer(t, (request, response) => {
    if (request.url?.startsWith('/silent')) return
    response.writeHead(200)
    const timer = setInterval(() => response.write('.'), 20)
    response.on('close', () => clearInterval(timer))
  })
  const limits = { deadlineMs: 250 }
  const now = await machineClock()
  const started = now()
  assert.equal(await faultOf(egress.fetchGuarded(url, limits)), 'timeout')
  assert.equal(await faultOf(egress.fetchGuarded(url.replace('jwks', 'silent'), limits)), 'timeout')
  const hanging = createEgress({
    networks: [],
    resolve: () => Promise.withResolvers<string[]>().promise,
  })
  assert.equal(await faultOf(hanging.fetchGuarded('https://partner.example/', limits)), 'timeout')
  assert.ok(now() - started < 5_000)
})

test('a body that is too large is given up, whether it says its size or not', async (t) => {
  let written = 0
  const { egress, url } = await partnerServer(t, (request, response) => {
    if (request.url?.startsWith('/told')) {
      response.writeHead(200, { 'content-length': 1_000_000_000 }).write('x')
      return
    }
    const more = (): void => {
      written += 65_536
      if (!response.destroyed && written < 500_000_000) response.write('x'.repeat(65_536), more)
    }
    more()
  })
  assert.equal(await faultOf(egress.fetchGuarded(url.replace('jwks', 'told'))), 'too-large')
  assert.equal(await faultOf(egress.fetchGuarded(url)), 'too-large')
  assert.ok(written < 20_000_000, `${written}`)
})

test('a body of exactly the limit passes', async (t) => {
  const { egress, url } = await partnerServer(t, (_request, response) =>
    response.end('x'.repeat(1_000)),
  )
  assert.equal((await egress.fetchGuarded(url, { maxBytes: 1_000 })).body.length, 1_000)
  assert.equal(await faultOf(egress.fetchGuarded(url, { maxBytes: 999 })), 'too-large')
})

test('a coding that was not asked for is refused, so nothing is unpacked', async (t) => {
  const { egress, url } = await partnerServer(t, (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
  )
  assert.equal(await faultOf(egress.fetchGuarded(url)), 'coded')
})

test('an answer that breaks off is none', async (t) => {
  const { egress, url } = await partnerServer(t, (_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('x')
    response.socket?.destroy()
  })
  assert.equal(await faultOf(egress.fetchGuarded(url)), 'unreachable')
})

test('no proxy of the environment is asked', async (t) => {
  const proxy = createHttp((_request, response) => response.end('proxied'))
  let proxied = 0
  proxy.on('connection', () => {
    proxied += 1
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  t.after(() => proxy.close())
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  // What Node does at its start where the environment names a proxy.
  t.after(setGlobalProxyFromEnv({ https_proxy: address, http_proxy: address }))
  const { egress, url } = await partnerServer(t, (_request, response) => response.end('direct'))
  assert.equal((await egress.fetchGuarded(url)).body.toString(), 'direct')
  assert.equal(proxied, 0)
})

test('each request has a connection of its own', async (t) => {
  const { egress, url, connections } = await partnerServer(t, (_request, response) =>
    response.end('ok'),
  )
  for (let i = 0; i < 3; i += 1) await egress.fetchGuarded(url)
  assert.equal(connections(), 3)
})

test('http is for this machine alone, and only where the operator named it', async (t) => {
  const server = createHttp((_request, response) => response.end('plain'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const laptop = createEgress({ networks: ['127.0.0.0/8'] })
  assert.equal((await laptop.fetchGuarded(url)).body.toString(), 'plain')
  const premises = createEgress({ networks: ['10.0.0.0/8'], resolve: async () => ['10.0.0.1'] })
  assert.equal(await faultOf(premises.fetchGuarded('http://partner.example/')), 'address')
  assert.equal(await faultOf(premises.fetchGuarded(url)), 'address')
  assert.equal(await faultOf(createEgress({ networks: [] }).fetchGuarded(url)), 'address')
})
