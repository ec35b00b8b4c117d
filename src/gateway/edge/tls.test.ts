import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { connect as connectPlain, type Socket } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { type ConnectionOptions, connect, createSecureContext, type TLSSocket } from 'node:tls'
import { eventually } from '#journal/testing'
import { followCertificate } from '#platform/certificate-files'
import { serverCertificate } from '#platform/local-certificate'
import { testFolder } from '#platform/testing-folder'
import { silent } from '../testing.ts'
import { body, counted, tlsGateway, token } from './testing-tls.ts'

type Certificate = { key: string; cert: string }
type Made = Awaited<ReturnType<typeof tlsGateway>>

const request = (host: string): string =>
  `POST /sim-swap/v2/check HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`

/** One request over TLS; what the other side sends until it closes. @throws when there is no connection */
function over(made: Made, host: string, more: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect(
      { port: made.port, host: '127.0.0.1', ca: made.cert, servername: 'localhost', ...more },
      () => socket.write(request(host)),
    )
    let text = ''
    socket.on('data', (data) => {
      text += data.toString()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

const bytesTo = (port: number, bytes: string | Buffer) => {
  const state = { closed: false, text: '', end: () => socket.destroy() }
  const socket: Socket = connectPlain(port, '127.0.0.1', () => socket.write(bytes))
  socket.on('data', (data) => {
    state.text += data.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    state.closed = true
  })
  return state
}

const refusedBy = (reason: string): string =>
  `wayleave_gateway_refused_connections_total{reason="${reason}"}`

test('the name of a connection may be any or none: what counts is that the host is the same', async (t) => {
  const made = await tlsGateway(t, { hosts: { names: ['other'], ownAddresses: false } })
  const status = async (host: string, more?: ConnectionOptions): Promise<number> =>
    Number(/^HTTP\/1\.1 (\d{3})/.exec(await over(made, host, more))?.[1])
  const anyone = { checkServerIdentity: () => undefined }
  assert.equal(await status('localhost'), 200)
  assert.equal(await status('localhost:8084'), 200)
  assert.equal(await status('other'), 400)
  assert.equal(await status('other', { servername: 'other', ...anyone }), 200)
  assert.equal(await status('localhost', { servername: 'other', ...anyone }), 400)
  // RFC 6066 section 3: an address is no name, and is not sent.
  assert.equal(await status('127.0.0.1', { servername: '' }), 200)
  assert.equal(await status('LOCALHOST'), 200)
})

test('a client that speaks neither protocol, or an old TLS, is turned away and counted', async (t) => {
  const made = await tlsGateway(t)
  await assert.rejects(over(made, 'localhost', { ALPNProtocols: ['spdy/3'] }))
  await assert.rejects(over(made, 'localhost', { maxVersion: 'TLSv1.2' }))
  assert.match(await over(made, 'localhost', { ALPNProtocols: ['http/1.1'] }), /^HTTP\/1\.1 200/)
  assert.equal(await counted(made, refusedBy('tls-protocol')), 1)
  assert.equal(await counted(made, refusedBy('tls-version')), 1)
})

test('bytes that are no handshake end their connection, are counted by what they are, and harm nobody', async (t) => {
  const made = await tlsGateway(t, { limits: { headersTimeoutMs: 500 } })
  const random = Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 7919) % 256))
  const pieces: readonly [string | Buffer, string][] = [
    ['GET / HTTP/1.1\r\nhost: localhost\r\n\r\n', 'tls-plain-text'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'tls-plain-text'],
    [random, 'tls-plain-text'],
    [Buffer.from('160301ffff', 'hex'), 'tls'],
    [Buffer.from('1503010002022a', 'hex'), 'tls'],
    [Buffer.from('16030100050100000100', 'hex'), 'tls'],
    [Buffer.from('8080010301', 'hex'), 'tls-timeout'],
    [Buffer.from('1603010005', 'hex'), 'tls-timeout'],
    ['', 'tls-timeout'],
  ]
  for (const [bytes, reason] of pieces) {
    const before = await counted(made, refusedBy(reason))
    const connection = bytesTo(made.port, bytes)
    await eventually(() => connection.closed)
    assert.equal(
      await counted(made, refusedBy(reason)),
      before + 1,
      Buffer.from(bytes).toString('hex'),
    )
  }
  const left = connectPlain(made.port, '127.0.0.1', () => left.destroy())
  await eventually(async () => (await counted(made, refusedBy('tls-reset'))) === 1)
  assert.match(await over(made, 'localhost'), /^HTTP\/1\.1 200/)
})

test('handshakes that are begun and not ended do not keep others out', async (t) => {
  const made = await tlsGateway(t, { limits: { handshakes: 20 } })
  const begun = Array.from({ length: 60 }, () => bytesTo(made.port, '\x16\x03\x01'))
  await eventually(() => begun.filter(({ closed }) => closed).length === 40)
  assert.equal(await counted(made, refusedBy('handshakes')), 40)
  for (let i = 0; i < 30; i += 1) assert.match(await over(made, 'localhost'), /^HTTP\/1\.1 200/)
})

test('connections beyond the cap are ended and counted; those within it go on', async (t) => {
  const made = await tlsGateway(t, { limits: { connections: 3 } })
  const port = made.gateway.port()
  const open = Array.from({ length: 3 }, () => bytesTo(port, 'GET / HTTP/1.1\r\nhost: gw\r\n'))
  const beyond = bytesTo(port, request('gw'))
  await eventually(() => beyond.closed)
  assert.equal(beyond.text, '')
  assert.equal(await counted(made, refusedBy('connections')), 1)
  assert.ok(open.every(({ closed }) => !closed))
  assert.equal(made.gateway.ready(), true)
  for (const connection of open) connection.end()
})

test('a renewed certificate is in use without a restart, and half a renewal changes nothing', async (t) => {
  const folder = testFolder(t)
  const made = (name: string): Promise<Certificate> =>
    serverCertificate({
      folder: path.join(folder, name),
      keyFile: undefined,
      certificateFile: undefined,
    })
  const [first, second] = [await made('1'), await made('2')]
  const files = { keyFile: path.join(folder, 'key'), certificateFile: path.join(folder, 'cert') }
  const replace = (file: string, text: string): void => {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
  replace(files.keyFile, first.key)
  replace(files.certificateFile, first.cert)
  const gateway = await tlsGateway(t, { tls: { host: '127.0.0.1', port: 0, ...first, files } })
  const works = (ca: string): Promise<boolean> =>
    over(gateway, 'localhost', { ca }).then(
      (text) => text.startsWith('HTTP/1.1 200'),
      () => false,
    )
  const tried: Certificate[] = []
  const used: Certificate[] = []
  const follower = followCertificate({
    files,
    present: first,
    log: silent,
    everyMs: 10,
    use(certificate) {
      tried.push(certificate)
      createSecureContext(certificate)
      used.push(certificate)
    },
  })
  t.after(() => follower.stop())
  replace(files.keyFile, second.key)
  await eventually(() => tried.length > 0)
  assert.deepEqual(used, [])
  assert.equal(await works(first.cert), true)
  replace(files.certificateFile, second.cert)
  await eventually(() => used.length > 0)
  assert.deepEqual(used, [{ key: second.key, cert: second.cert }])
  await eventually(() => works(second.cert))
  assert.equal(await works(first.cert), false)
})
