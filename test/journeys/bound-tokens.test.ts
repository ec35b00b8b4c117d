import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeCertificate, type TestCertificate } from '#platform/testing-certificates'
import { type Answer, ask } from '../support/partner-world.ts'
import { type Registration, signUp, until } from '../support/product.ts'
import { type SharedProduct, sharedProduct } from '../support/shared-product.ts'

/** How soon a gateway must know of a change: under a second, or longer where the machine is busy. */
const soonMs = 5_000

describe('a token that is bound to a client certificate', () => {
  let product: SharedProduct
  let registration: Registration
  let cookie: string
  let mine: TestCertificate
  let other: TestCertificate
  const cleanUps: (() => Promise<void> | void)[] = []

  before(async () => {
    product = await sharedProduct({ after: (fn) => void cleanUps.push(fn) })
    const signedUp = await signUp(product)
    registration = signedUp.body
    cookie = signedUp.cookie
    mine = await makeCertificate({ name: 'CN=mine' })
    other = await makeCertificate({ name: 'CN=other' })
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const owner = (method: string, address: string, body?: unknown): Promise<Answer> =>
    ask(product, { cookie }, method, `/applications/${registration.application.id}${address}`, body)
  const send = (
    url: string,
    certificate: TestCertificate | undefined,
    headers: Record<string, string>,
    body: string,
    more: RequestOptions = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> =>
    new Promise((resolve, reject) => {
      const call = httpsRequest(
        url,
        {
          ...{ method: 'POST', rejectUnauthorized: false, agent: false, headers },
          ...(certificate && { key: certificate.key, cert: certificate.pem }),
          ...more,
        },
        (response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString()
          })
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              body: JSON.parse(text) as Record<string, unknown>,
            }),
          )
        },
      )
      call.on('error', reject)
      call.end(body)
    })
  const token = (certificate?: TestCertificate) => {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: registration.credentials.clientId,
      scope: 'sim-swap:check',
    })
    return send(
      `${product.wellKnown.environments.sandbox.issuerTls}/token`,
      certificate,
      { 'content-type': 'application/x-www-form-urlencoded' },
      form.toString(),
    )
  }
  const call = async (bearer: string, certificate?: TestCertificate, more: RequestOptions = {}) => {
    const { status } = await send(
      `${product.wellKnown.environments.sandbox.gatewayTls}/sim-swap/v2/check`,
      certificate,
      { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      JSON.stringify({ phoneNumber: '+99012345678', maxAge: 24 }),
      more,
    )
    return status
  }

  test('is got and used with its certificate only, and ends within a second when that is taken away', async (t) => {
    const ids: string[] = []
    for (const { pem } of [mine, other]) {
      const made = await owner('POST', '/credentials', {
        type: 'client_certificate',
        certificate: pem,
      })
      assert.equal(made.status, 201, made.text)
      ids.push(String(made.body.id))
    }
    const settled = await owner('PUT', '/authorization', {
      revision: 0,
      senderConstraint: 'certificate',
      authenticationMethods: ['self_signed_tls_client_auth'],
    })
    assert.equal(settled.status, 200, settled.text)
    const given = await token(mine)
    assert.equal(given.status, 200, JSON.stringify(given.body))
    const bearer = String(given.body.access_token)
    const second = String((await token(other)).body.access_token)
    assert.equal((await token()).status, 401)
    assert.equal((await token(await makeCertificate({ name: 'CN=mine' }))).status, 401)
    // As soon as the gateway knows of the credential that the token was got with.
    await until(async () => (await call(bearer, mine)) === 200, soonMs, 10)
    assert.equal(await call(bearer, other), 401)
    assert.equal(await call(bearer), 401)
    assert.equal(await call(second, mine), 401)
    const plain = await fetch(
      `${product.wellKnown.environments.sandbox.gateway}/sim-swap/v2/check`,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${bearer}`,
          // Nobody's proxy: it says nothing.
          'client-cert': `:${mine.der.toString('base64')}:`,
        },
        body: JSON.stringify({ phoneNumber: '+99012345678', maxAge: 24 }),
      },
    )
    assert.equal(plain.status, 401)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    assert.equal(await call(bearer, mine, { agent }), 200)
    assert.equal((await owner('DELETE', `/credentials/${ids[0]}`)).status, 204)
    await until(async () => (await call(bearer, mine, { agent })) === 401, soonMs, 10)
    assert.equal((await token(mine)).status, 401)
    await until(async () => (await call(second, other)) === 200, soonMs, 10)
  })

  test('is in no log, nor is a certificate or its key', () => {
    const logs = path.join(product.dataDir, 'logs')
    for (const file of readdirSync(logs))
      assert.doesNotMatch(
        readFileSync(path.join(logs, file), 'utf8'),
        /PRIVATE KEY|BEGIN CERTIFICATE|x5t#S256/,
        file,
      )
  })
})
