import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { freePort } from '../free-port.ts'
import { makeCertificate, type TestCertificate } from '../testing-certificates.ts'
import { readClientCert } from './client-cert-field.ts'

const root = path.join(import.meta.dirname, '..', '..', '..')
const guide = readFileSync(path.join(root, 'docs', 'guides', 'caller-credentials.md'), 'utf8')
const part = guide.slice(guide.indexOf('### A proxy that ends TLS'))
const nginxIsThere = spawnSync('nginx', ['-v']).error === undefined

test('nginx, set up as the guide says, passes on the certificate that was shown, and no other word for it', {
  skip: nginxIsThere ? false : 'nginx is not installed',
}, async (t) => {
  const seen: IncomingHttpHeaders[] = []
  const behind = createServer((incoming, response) => {
    seen.push(incoming.headers)
    response.end()
  })
  behind.listen(0, '127.0.0.1')
  await once(behind, 'listening')
  t.after(() => behind.close())
  const port = await startNginx(t, (behind.address() as AddressInfo).port)
  const forged = (await makeCertificate()).der.toString('base64')
  const claims = {
    'client-cert': `:${forged}:`,
    'client-cert-chain': `:${forged}:`,
    forwarded: 'for=203.0.113.1',
    'x-forwarded-for': '203.0.113.1',
  }
  const names = Array.from({ length: 60 }, (_, n) => `name-${n}.bank.example`)
  for (const certificate of [
    await makeCertificate(),
    await makeCertificate({ kind: 'RSA-2048', dnsNames: names }),
    undefined,
  ]) {
    assert.equal(await ask(port, '/sandbox/token', claims, certificate), 200)
    const headers = seen.pop() ?? {}
    const field = headers['client-cert']
    assert.deepEqual(
      typeof field === 'string' ? readClientCert(field) : field,
      certificate?.der,
      String(field),
    )
    assert.equal(headers['client-cert-chain'], undefined)
    assert.equal(headers['x-forwarded-for'], undefined)
    assert.match(String(headers.forwarded), /^for="127\.0\.0\.1:\d+";proto=https$/)
  }
  assert.equal(await ask(port, '/sandbox/privacy', {}, undefined), 404)
  assert.deepEqual(seen, [])
})

/** The blocks of the guide, with other ports and files. */
async function startNginx(t: TestContext, behind: number): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-nginx-'))
  const file = (name: string): string => path.join(folder, name)
  const [, script = ''] = /```sh\n(.*?)```/s.exec(part) ?? []
  const [, server = ''] = /```nginx\n(.*?)```/s.exec(part) ?? []
  execFileSync('sh', ['-c', script], { cwd: folder })
  const own = await makeCertificate({ dnsNames: ['mtls.operator.example'] })
  writeFileSync(file('server.pem'), own.pem)
  writeFileSync(file('server.key'), own.key)
  const port = await freePort()
  const block = server
    .replace('listen 443', `listen 127.0.0.1:${port}`)
    .replace('127.0.0.1:8085', `127.0.0.1:${behind}`)
  const kept = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${file(name)};`,
  )
  writeFileSync(
    file('nginx.conf'),
    `daemon off; master_process off; pid ${file('pid')}; error_log ${file('error.log')}; events {}
http { access_log off; ${kept.join(' ')}
${block}}`,
  )
  const args = ['-p', folder, '-c', file('nginx.conf'), '-e', file('error.log')]
  const child = spawn('nginx', args, { stdio: 'ignore' })
  t.after(async () => {
    const ended = once(child, 'exit')
    if (child.exitCode === null && child.kill()) await ended
    rmSync(folder, { recursive: true, force: true })
  })
  const end = performance.now() + 30_000
  while ((await ask(port, '/', {}, undefined).catch(() => 0)) === 0) {
    if (child.exitCode !== null || performance.now() > end)
      assert.fail(readFileSync(file('error.log'), 'utf8'))
  }
  return port
}

async function ask(
  port: number,
  pathname: string,
  headers: Record<string, string>,
  certificate: TestCertificate | undefined,
): Promise<number> {
  const asked = request({
    ...{ host: '127.0.0.1', port, path: pathname, headers, agent: false },
    ...{ servername: 'mtls.operator.example', rejectUnauthorized: false },
    ...(certificate !== undefined && { cert: certificate.pem, key: certificate.key }),
  })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }]
  answer.resume()
  return answer.statusCode
}
