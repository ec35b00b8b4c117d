import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { eventually, silent } from '#journal/testing'
import { readClientCertificate } from '../client-certificate.ts'
import {
  makeCertificate,
  makeRevocationList,
  type TestCertificate,
  x509,
} from '../testing-certificates.ts'
import { testFolder } from '../testing-folder.ts'
import { openCertificateAuthorities } from './certificate-authorities.ts'
import { readRevocationList } from './revocation-list.ts'

const ca = await makeCertificate({ name: 'CN=Operator CA', authority: {} })
const other = await makeCertificate({ name: 'CN=Other CA', authority: {} })
const client = await makeCertificate({ name: 'CN=one', issuer: ca })

async function opened(
  t: TestContext,
  files: { ca: string; crl?: string },
  nowMs = Date.now,
  folder = testFolder(t),
) {
  const caFile = path.join(folder, 'ca.pem')
  const crlFile = path.join(folder, 'crl.pem')
  writeFileSync(caFile, files.ca)
  if (files.crl !== undefined) writeFileSync(crlFile, files.crl)
  const authorities = await openCertificateAuthorities({
    caFile,
    crlFile: files.crl === undefined ? undefined : crlFile,
    keptFile: path.join(folder, 'kept', 'authorities.json'),
    log: silent,
    nowMs,
    lookEveryMs: 5,
  })
  t.after(() => authorities.stop())
  return { authorities, caFile, crlFile }
}

const read = ({ der }: TestCertificate) => readClientCertificate(der)

test('a list that changes is in force without a restart, also when its file is replaced', async (t) => {
  const empty = await makeRevocationList(ca, [])
  const { authorities, crlFile } = await opened(t, { ca: ca.pem, crl: empty })
  assert.equal(authorities.isRevoked(read(client)), false)
  const before = authorities.generation
  writeFileSync(crlFile, await makeRevocationList(ca, [client]))
  await eventually(() => authorities.isRevoked(read(client)))
  assert.notEqual(authorities.generation, before)
  writeFileSync(`${crlFile}.new`, await makeRevocationList(ca, []))
  renameSync(`${crlFile}.new`, crlFile)
  await eventually(() => !authorities.isRevoked(read(client)))
  assert.ok(authorities.healthy())
})

for (const [what, text] of [
  ['nothing', ''],
  ['no list', 'a text'],
  ['a list that is cut off', (await makeRevocationList(ca, [])).slice(0, 200)],
  ['a list of another authority', await makeRevocationList(other, [])],
  ['a list that somebody else signed', await makeRevocationList(ca, [], { signer: other })],
  ['two lists of one authority', (await makeRevocationList(ca, [])).repeat(2)],
  [
    'a list that covers a part only',
    await makeRevocationList(ca, [], {
      extensions: [new x509.Extension('2.5.29.28', true, new Uint8Array([0x30, 0]))],
    }),
  ],
] as const)
  test(`a changed file with ${what} is an alarm, and the former list stays in force`, async (t) => {
    const good = await makeRevocationList(ca, [client])
    const { authorities, crlFile } = await opened(t, { ca: ca.pem, crl: good })
    writeFileSync(crlFile, text)
    await eventually(() => !authorities.healthy())
    assert.ok(authorities.isRevoked(read(client)))
    writeFileSync(crlFile, await makeRevocationList(ca, []))
    await eventually(() => authorities.healthy())
    assert.equal(authorities.isRevoked(read(client)), false)
  })

test('of two lists none may vanish, as it does while somebody still writes the file', async (t) => {
  const lists = [await makeRevocationList(ca, [client]), await makeRevocationList(other, [])]
  const { authorities, crlFile } = await opened(t, { ca: ca.pem + other.pem, crl: lists.join('') })
  writeFileSync(crlFile, lists[1] ?? '')
  await eventually(() => !authorities.healthy())
  assert.ok(authorities.isRevoked(read(client)))
})

test('a list that its authority should have renewed is an alarm, and still in force', async (t) => {
  let nowMs = Date.now()
  const crl = await makeRevocationList(ca, [client])
  const { authorities } = await opened(t, { ca: ca.pem, crl }, () => nowMs)
  assert.ok(authorities.healthy())
  nowMs += 2 * 86_400_000
  await eventually(() => !authorities.healthy())
  assert.ok(authorities.isRevoked(read(client)))
})

for (const [what, files, message] of [
  ['a CA file without a certificate', { ca: '' }, /no certificate/],
  ['a client certificate as CA', { ca: client.pem }, /CA:TRUE/],
  ['a damaged CA file', { ca: ca.pem.replace('MII', 'AAA') }, /certificate 1 cannot be read/],
  ['an empty list', { ca: ca.pem, crl: '' }, /no revocation list/],
] as const)
  test(`a gateway does not start with ${what}`, async (t) => {
    await assert.rejects(opened(t, files), message)
  })

test('a restart while a file cannot be used goes on with the state that was good, and is an alarm', async (t) => {
  const folder = testFolder(t)
  const crl = await makeRevocationList(ca, [client])
  const before = await opened(t, { ca: ca.pem, crl }, Date.now, folder)
  before.authorities.stop()
  const { authorities, crlFile } = await opened(t, { ca: '', crl: 'x' }, Date.now, folder)
  assert.ok(authorities.isRevoked(read(client)))
  assert.equal(authorities.healthy(), false)
  writeFileSync(path.join(folder, 'ca.pem'), ca.pem)
  writeFileSync(crlFile, await makeRevocationList(ca, []))
  await eventually(() => authorities.healthy())
  assert.equal(authorities.isRevoked(read(client)), false)
  // What was kept without a list does not stand for one.
  const other = testFolder(t)
  await opened(t, { ca: ca.pem }, Date.now, other)
  await assert.rejects(opened(t, { ca: ca.pem, crl: 'x' }, Date.now, other), /no revocation list/)
})

test('a list of 6 000 says of each serial number what it should, and other work goes on', async () => {
  const serials = Array.from({ length: 6_000 }, (_, i) => (i * 7 + 1).toString(16).padStart(8, '0'))
  const pem = await makeRevocationList(
    ca,
    serials.map((serial) => ({ serial })),
  )
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  let turns = 0
  setImmediate(() => {
    turns += 1
  })
  const list = await readRevocationList(der)
  const numbers = new Set([...list.serials].map((serial) => Number.parseInt(serial, 16)))
  assert.ok(serials.every((serial) => numbers.has(Number.parseInt(serial, 16))))
  assert.equal(list.serials.size, serials.length)
  assert.ok(turns > 0)
})
