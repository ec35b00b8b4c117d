import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { alternativeName, readClientCertificate } from './client-certificate.ts'
import { makeCertificate, x509 } from './testing-certificates.ts'

test('what matters of a certificate is read: thumbprint, dates, names', async () => {
  const notAfter = new Date('2027-03-04T05:06:07Z')
  const made = await makeCertificate({
    name: 'CN=bank',
    notAfter,
    dnsNames: ['API.Bank.example', '*.bank.example'],
    uris: ['urn:bank:1'],
  })
  const read = readClientCertificate(made.der)
  assert.equal(read.thumbprint, made.thumbprint)
  assert.equal(read.notAfterMs, notAfter.getTime() + 999)
  assert.equal(read.subject, read.issuer)
  assert.equal(BigInt(`0x${read.serial}`), BigInt(`0x${made.serial}`))
  assert.deepEqual(read.names, ['DNS:api.bank.example', 'URI:urn:bank:1'])
  assert.deepEqual(read.clientFaults, [])
  assert.match(read.authorityFaults.join(), /CA:TRUE/)
})

for (const kind of ['P-256', 'P-384', 'Ed25519', 'RSA-2048', 'RSA-PSS'] as const)
  test(`a certificate with a key of the kind ${kind} is strong enough`, async () => {
    const { der } = await makeCertificate({ kind })
    assert.deepEqual(readClientCertificate(der).clientFaults, [])
  })

const extension = (oid: string) => new x509.Extension(oid, true, new Uint8Array([5, 0]))
const usages = x509.KeyUsageFlags
for (const [what, fault, options] of [
  ['an RSA key of 1024 bits', /1024 bits/, { kind: 'RSA-1024' }],
  ['a key on P-521', /key that is not accepted/, { kind: 'P-521' }],
  ['a signature with SHA-1', /weak or unknown/, { kind: 'RSA-2048 SHA-1' }],
  ['a critical extension that nobody knows', /1\.2\.3\.4/, { extensions: [extension('1.2.3.4')] }],
  [
    'a use for servers only',
    /without clientAuth/,
    { extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])] },
  ],
  [
    'a key that may not sign',
    /without digitalSignature/,
    { extensions: [new x509.KeyUsagesExtension(usages.keyEncipherment, true)] },
  ],
] as const)
  test(`a client certificate is refused for ${what}`, async () => {
    const { der } = await makeCertificate(options as Parameters<typeof makeCertificate>[0])
    assert.match(readClientCertificate(der).clientFaults.join(), fault)
  })

test('a certificate whose uses include clients of TLS is fine', async () => {
  const { ExtendedKeyUsage } = x509
  const extensions = [
    new x509.ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    new x509.KeyUsagesExtension(usages.digitalSignature, true),
  ]
  const { der } = await makeCertificate({ extensions })
  assert.deepEqual(readClientCertificate(der).clientFaults, [])
})

test('bytes that are no certificate are refused, whatever they are, and nothing else happens', async () => {
  const { der } = await makeCertificate({ dnsNames: ['a.example'] })
  const refused = (bytes: Buffer): boolean => {
    try {
      readClientCertificate(bytes)
      return false
    } catch (error) {
      return error instanceof Error
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => refused(Buffer.from(bytes))))
  for (let length = 0; length < der.length; length += 1)
    assert.ok(refused(der.subarray(0, length)), `cut off at ${length}`)
  assert.ok(refused(Buffer.concat([der, Buffer.from([0])])), 'with a byte more')
  // A changed byte may leave a certificate; it must not be taken for the one that was registered.
  const original = readClientCertificate(der).thumbprint
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(der)
      changed[at] = ((changed[at] ?? 0) + by) % 256
      try {
        assert.notEqual(readClientCertificate(changed).thumbprint, original)
      } catch (error) {
        assert.ok(error instanceof Error)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('only DNS and URI names can be registered, and DNS names in one spelling', () => {
  assert.equal(alternativeName('DNS:API.Bank.example'), 'DNS:api.bank.example')
  assert.equal(alternativeName('URI:urn:x'), 'URI:urn:x')
  for (const text of [
    '',
    'api.bank.example',
    'DNS:',
    'DNS:*.bank.example',
    'DNS:a..b',
    'DNS:-a.example',
    'DNS:a.example.',
    'DNS:a b',
    'DNS:a\nb',
    'IP:10.0.0.1',
    'email:a@b',
    'URI:a b',
    `DNS:${'a'.repeat(64)}.example`,
  ])
    assert.equal(alternativeName(text), undefined, text)
})
