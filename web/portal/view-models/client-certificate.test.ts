import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCertificateText } from './client-certificate.ts'

const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n'
const key = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n'

test('a certificate is taken out of what stands around it', () => {
  const read = readCertificateText(`subject=CN = api\n  ${certificate}\nmore`)
  assert.deepEqual(read, { ok: true, certificate })
})

for (const [what, text, fault] of [
  ['a private key', certificate + key, /was not sent/],
  ['a chain', certificate + certificate, /2 certificates/],
  ['half a certificate', certificate.slice(0, 40), /cut off/],
  ['something else', 'hello', /no certificate in PEM/],
] as const)
  test(`${what} is not sent`, () => {
    const read = readCertificateText(text)
    assert.ok(!read.ok)
    assert.match(read.fault, fault)
  })
