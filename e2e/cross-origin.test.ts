import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { customer, testGateway, testKey, testUpstream } from '../src/gateway/testing.ts'
import { simSwap } from '../src/gateway/testing-entries.ts'
import { openBrowser } from './browser.ts'

type TestContext = Parameters<typeof testUpstream>[0]

/** An empty page on an origin of its own. */
async function page(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>Partner</title>')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, 'localhost', resolve)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

test('a page of an origin that the product names can call an API and read its errors; any other cannot', async (t) => {
  const [partner, stranger] = [await page(t), await page(t)]
  const key = testKey()
  const upstream = await testUpstream(t)
  const cors = { origins: [partner], maxAgeSeconds: 5 }
  const made = await testGateway(t, [
    simSwap(upstream.url, { cors }),
    key.entry,
    ...customer(1, { rate: [{ limit: 1, windowSeconds: 60 }] }),
  ])
  const address = `http://localhost:${made.gateway.port()}/sim-swap/v2/check`
  const browser = await openBrowser(t)
  const callFrom = async (origin: string, token: string) => {
    await browser.page.goto(origin)
    return browser.page.evaluate(
      async ([url, authorization]) => {
        try {
          const response = await fetch(url ?? '', {
            method: 'POST',
            headers: {
              authorization: authorization ?? '',
              'content-type': 'application/json',
              'x-correlator': 'from-a-page',
              'idempotency-key': crypto.randomUUID(),
            },
            body: '{"phoneNumber":"+99012345678"}',
          })
          return {
            status: response.status,
            body: (await response.json()) as Record<string, unknown>,
            correlator: response.headers.get('x-correlator'),
            exchange: response.headers.get('x-exchange-id'),
            retry: response.headers.get('retry-after'),
          }
        } catch (error) {
          return { failed: String(error) }
        }
      },
      [address, `Bearer ${token}`],
    )
  }
  const answered = await callFrom(partner, key.token(1))
  assert.ok('body' in answered, JSON.stringify(answered))
  assert.deepEqual(answered.body, { swapped: false })
  assert.equal(answered.status, 200)
  assert.equal(answered.correlator, 'from-a-page')
  assert.match(String(answered.exchange), /^exc_/)
  const limited = await callFrom(partner, key.token(1))
  assert.ok('body' in limited, JSON.stringify(limited))
  assert.equal(limited.status, 429)
  assert.match(String(limited.retry), /^\d+$/)
  const unknown = await callFrom(partner, 'x')
  assert.ok('body' in unknown, JSON.stringify(unknown))
  assert.equal(unknown.body.code, 'UNAUTHENTICATED')
  assert.deepEqual(await callFrom(stranger, key.token(1)), {
    failed: 'TypeError: Failed to fetch',
  })
  assert.equal(upstream.requests.length, 1)
})
