import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { keepsWithin, machineClock } from '#platform/testing-clock'
import {
  accessToken,
  type Registration,
  signUp,
  temporaryFolder,
  until,
  wayleave,
} from '../support/product.ts'
import { type SharedProduct, sharedProduct } from '../support/shared-product.ts'

const shell = promisify(execFile)

type UsageAnswer = {
  total: { calls: number; units: number; amount: string; listAmount: string; currency: string }
  rows: {
    apiId: string
    operationId: string
    status: number
    calls: number
    applicationId: string
  }[]
}

describe('the road, from sign-up to a metered and priced call', () => {
  let product: SharedProduct
  let registration: Registration
  let cookie: string
  const cleanUps: (() => Promise<void> | void)[] = []

  before(async () => {
    product = await sharedProduct({ after: (fn) => void cleanUps.push(fn) })
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const manage = (pathname: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${product.wellKnown.management}${pathname}`, {
      ...init,
      headers: {
        cookie,
        origin: product.wellKnown.portal,
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...init.headers,
      },
    })
  const call = (
    pathname: string,
    token: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    fetch(`${product.wellKnown.environments.sandbox.gateway}${pathname}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const token = (scope: string): Promise<string> =>
    accessToken(
      registration.firstCall.tokenUrl,
      registration.credentials.clientId,
      registration.credentials.clientSecret,
      scope,
    )

  test('a partner signs up alone, within a second', async () => {
    let signedUp = await signUp(product)
    const tookMs = await keepsWithin(1_000, async () => {
      signedUp = await signUp(product)
      return signedUp.ms
    })
    assert.equal(signedUp.status, 201)
    assert.ok(tookMs < 1_000, `it took ${tookMs} ms`)
    registration = signedUp.body
    cookie = signedUp.cookie
    assert.match(registration.partner.id, /^prt_/)
    assert.equal(registration.application.environment, 'sandbox')
    assert.match(registration.credentials.clientSecret, /^wl_sbx_sk_/)
    assert.equal((await manage('/session')).status, 200)
  })

  test('the first call, pasted into a shell, succeeds', async () => {
    const { stdout } = await shell('bash', ['-c', registration.firstCall.curl])
    assert.equal(typeof (JSON.parse(stdout) as { swapped: unknown }).swapped, 'boolean')
  })

  test('the call is in the usage within five seconds, with what it would have cost', async () => {
    const now = await machineClock()
    const startedAt = now()
    let usage: UsageAnswer | undefined
    await until(async () => {
      usage = (await (await manage('/usage?environment=sandbox')).json()) as UsageAnswer
      return usage.total.calls >= 1
    }, 30_000)
    assert.ok(now() - startedAt < 5_000)
    assert.equal(usage?.total.units, 1)
    assert.equal(Number(usage?.total.amount), 0)
    assert.equal(Number(usage?.total.listAmount), 0.02)
    assert.equal(usage?.rows[0]?.apiId, 'sim-swap/v2')
    assert.equal(usage?.rows[0]?.applicationId, registration.application.id)
  })

  test('an exchange is found by its correlator', async () => {
    const correlator = 'journey-7f3a'
    const answer = await call(
      '/sim-swap/v2/check',
      await token('sim-swap:check'),
      { phoneNumber: '+99012345678' },
      { 'x-correlator': correlator },
    )
    assert.equal(answer.headers.get('x-correlator'), correlator)
    await until(async () => {
      const found = (await (await manage(`/exchanges?correlator=${correlator}`)).json()) as {
        items: { status: number }[]
      }
      return found.items.length === 1 && found.items[0]?.status === answer.status
    }, 30_000)
  })

  test('a code that the OTP API sends can be read by the partner and validated once', async () => {
    const bearer = await token('one-time-password-sms:send-validate')
    const phoneNumber = '+99012345670'
    const sent = await call('/one-time-password-sms/v1/send-code', bearer, {
      phoneNumber,
      message: 'Your code is {{code}}',
    })
    assert.equal(sent.status, 200)
    const { authenticationId } = (await sent.json()) as { authenticationId: string }
    const messages = (await (
      await manage('/sandbox/messages/retrieve', { method: 'POST', body: '{}' })
    ).json()) as { items: { text: string }[] }
    const code = /\d{4,10}/.exec(messages.items[0]?.text ?? '')?.[0]
    assert.ok(code)
    assert.equal(
      (await call('/one-time-password-sms/v1/validate-code', bearer, { authenticationId, code }))
        .status,
      204,
    )
    assert.notEqual(
      (await call('/one-time-password-sms/v1/validate-code', bearer, { authenticationId, code }))
        .status,
      204,
    )
  })

  test('a sandbox token is refused by the production gateway, and a sandbox client by the production issuer', async () => {
    const bearer = await token('sim-swap:check')
    const production = product.wellKnown.environments.production
    const answer = await fetch(`${production.gateway}/sim-swap/v2/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: '{"phoneNumber":"+99012345678"}',
    })
    assert.equal(answer.status, 401)
    const { clientId, clientSecret } = registration.credentials
    await assert.rejects(
      accessToken(`${production.issuer}/token`, clientId, clientSecret, 'sim-swap:check'),
      /401/,
    )
  })

  test('a secret that is deleted ends its tokens within a second, while the second secret goes on', async () => {
    const bearer = await token('sim-swap:check')
    const id = registration.application.id
    const created = (await (
      await manage(`/applications/${id}/credentials`, {
        method: 'POST',
        body: '{"type":"client_secret"}',
      })
    ).json()) as { id: string; clientSecret: string }
    const list = (await (await manage(`/applications/${id}/credentials`)).json()) as {
      items: { id: string }[]
    }
    const old = list.items.find((credential) => credential.id !== created.id)
    assert.equal(
      (await manage(`/applications/${id}/credentials/${old?.id}`, { method: 'DELETE' })).status,
      204,
    )
    await until(
      async () =>
        (await call('/sim-swap/v2/check', bearer, { phoneNumber: '+99012345678' })).status === 401,
      1_000,
      10,
    )
    registration.credentials.clientSecret = created.clientSecret
    assert.equal(
      (
        await call('/sim-swap/v2/check', await token('sim-swap:check'), {
          phoneNumber: '+99012345678',
        })
      ).status,
      200,
    )
  })

  test('a document that is published is served by the sandbox at once, from its own examples', async () => {
    const folder = path.join(
      temporaryFolder({ after: (fn) => void cleanUps.push(fn) }),
      'parcel-tracking',
    )
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'openapi.yaml'), parcelDocument)
    writeFileSync(
      path.join(folder, 'product.yaml'),
      'domain: Connectivity\nowner:\n  team: Logistics\n  contact: logistics@example.com\n',
    )
    const published = await wayleave(product, 'catalog', 'publish', folder)
    assert.equal(published.code, 0, published.stderr)
    const bearer = await token('parcel-tracking:parcels:read')
    const answer = await fetch(
      `${product.wellKnown.environments.sandbox.gateway}/parcel-tracking/v1/parcels/p-17`,
      { headers: { authorization: `Bearer ${bearer}` } },
    )
    assert.equal(answer.status, 200)
    assert.deepEqual(await answer.json(), { parcelId: 'p-17', state: 'on its way' })
  })

  test('a broken document is refused with every fault at its line, and nothing of it is published', async () => {
    const folder = path.join(temporaryFolder({ after: (fn) => void cleanUps.push(fn) }), 'broken')
    mkdirSync(folder)
    const broken = parcelDocument
      .replace('parcel-tracking/v1', 'broken/v1')
      .replace("'#/components/schemas/Parcel'", "'#/components/schemas/Nothing'")
      .replace('      operationId: readParcel\n', '')
    writeFileSync(path.join(folder, 'openapi.yaml'), broken)
    writeFileSync(path.join(folder, 'product.yaml'), 'domain: Weather\nowner: {team: X}\n')
    const refused = await wayleave(product, 'catalog', 'publish', folder)
    assert.equal(refused.code, 1)
    for (const fault of [
      /openapi\.yaml:\d+:\d+.*Nothing/,
      /openapi\.yaml:\d+:\d+.*operationId/,
      /product\.yaml:1:\d+/,
      /product\.yaml:2:\d+.*contact/,
    ]) {
      assert.match(`${refused.stdout}${refused.stderr}`, fault)
    }
    assert.equal((await manage('/apis/broken/versions/v1')).status, 404)
  })

  test('journal, raw records and usage agree', async () => {
    const report = await wayleave(product, 'metering', 'reconcile')
    assert.equal(report.code, 0, `${report.stdout}${report.stderr}`)
  })
})

const parcelDocument = `openapi: 3.0.3
info:
  title: Parcel tracking
  version: 1.0.0
  license: {name: Apache 2.0, url: 'https://www.apache.org/licenses/LICENSE-2.0.html'}
servers:
  - url: '{apiRoot}/parcel-tracking/v1'
    variables: {apiRoot: {default: 'http://localhost:9091'}}
paths:
  /parcels/{parcelId}:
    get:
      operationId: readParcel
      summary: Where a parcel is
      security: [{openId: ['parcel-tracking:parcels:read']}]
      parameters:
        - {name: parcelId, in: path, required: true, schema: {type: string, maxLength: 20}}
      responses:
        '200':
          description: The parcel
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Parcel'}
              examples:
                onItsWay: {value: {parcelId: p-17, state: on its way}}
        '401': {description: No valid token}
        '403': {description: Not allowed}
components:
  securitySchemes:
    openId: {type: openIdConnect, openIdConnectUrl: 'https://example.com/.well-known/openid-configuration'}
  schemas:
    Parcel:
      type: object
      required: [parcelId, state]
      properties:
        parcelId: {type: string, maxLength: 20}
        state: {type: string, enum: [waiting, on its way, delivered]}
`
