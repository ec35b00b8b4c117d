import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  type Answer,
  ask,
  issueToken,
  mailedToken,
  openProduction,
  type ProductionPartner,
} from '../support/partner-world.ts'
import {
  accessToken,
  type Product,
  signUp,
  startProduct,
  temporaryFolder,
  until,
  wayleave,
} from '../support/product.ts'

/** How soon a gateway and the authorization server must know of a change: under a second, or longer where the machine is busy. */
const soonMs = 5_000

type Seen = { url: string; headers: IncomingHttpHeaders }

describe('the road to production', () => {
  let product: Product
  let operator: { token: string }
  let partner: ProductionPartner
  let application: {
    id: string
    credentials: { id: string; clientId: string; clientSecret: string }
  }
  let subscriptionId: string
  const seen: Seen[] = []
  const cleanUps: (() => Promise<void> | void)[] = []

  before(async () => {
    const upstream = createServer((request, response) => {
      seen.push({ url: request.url ?? '', headers: request.headers })
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"parcelId":"p-17","state":"delivered"}')
    })
    await new Promise<void>((resolve) => {
      upstream.listen(0, '127.0.0.1', resolve)
    })
    cleanUps.push(() => {
      upstream.close()
      upstream.closeAllConnections()
    })
    product = await startProduct({ after: (fn) => void cleanUps.push(fn) })
    const folder = path.join(temporaryFolder({ after: (fn) => void cleanUps.push(fn) }), 'parcels')
    mkdirSync(folder)
    const { port } = upstream.address() as AddressInfo
    writeFileSync(path.join(folder, 'openapi.yaml'), parcelDocument)
    writeFileSync(
      path.join(folder, 'product.yaml'),
      `domain: Connectivity\nowner: {team: Logistics, contact: logistics@example.com}\nplans: [paid]\nprices: {paid: '0.0300'}\nupstream: {production: 'http://127.0.0.1:${port}'}\n`,
    )
    const [published, token] = await Promise.all([
      wayleave(product, 'catalog', 'publish', folder),
      issueToken(product, '--role', 'operator'),
    ])
    assert.equal(published.code, 0, `${published.stdout}${published.stderr}`)
    operator = { token }
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const owner = (method: string, address: string, body?: unknown): Promise<Answer> =>
    ask(product, partner.owner, method, address, body)
  const staff = (method: string, address: string, body?: unknown): Promise<Answer> =>
    ask(product, operator, method, address, body)
  const bearer = (clientSecret = application.credentials.clientSecret): Promise<string> =>
    accessToken(
      `${product.wellKnown.environments.production.issuer}/token`,
      application.credentials.clientId,
      clientSecret,
      'parcel-tracking:parcels:read',
    )
  const call = (token: string): Promise<Response> =>
    fetch(`${product.wellKnown.environments.production.gateway}/parcel-tracking/v1/parcels/p-17`, {
      headers: { authorization: `Bearer ${token}`, 'x-correlator': 'production-road' },
    })
  const becomes = (token: string, status: number): Promise<void> =>
    until(async () => (await call(token)).status === status, soonMs, 10)

  test('production is closed until everything that it needs is done, and says what', async () => {
    const { cookie, body } = await signUp(product)
    const newcomer = { cookie }
    const wanted = { name: 'Live', environment: 'production' }
    const refused = await ask(product, newcomer, 'POST', '/applications', wanted)
    assert.equal(refused.status, 409)
    assert.deepEqual(
      refused.body.violations.map((violation: { path: string }) => violation.path),
      ['email-verified', 'agreement-accepted', 'production-contract'],
    )
    const shown = await ask(product, newcomer, 'GET', `/partners/${body.partner.id}`)
    assert.equal(shown.body.production.ready, false)
    const agreements = await ask(product, newcomer, 'GET', '/agreements')
    const early = { planId: 'pln_paid', agreementId: agreements.body.items[0].id }
    const contract = await ask(product, newcomer, 'POST', '/contracts', early)
    assert.equal(contract.status, 409)
    assert.match(contract.body.message, /verified.*accepted/)
  })

  test('a verified e-mail address, the agreement and a plan open it', async () => {
    partner = await openProduction(product)
    const shown = await owner('GET', `/partners/${partner.registration.partner.id}`)
    assert.equal(shown.body.production.ready, true, shown.text)
    const made = await owner('POST', '/applications', { name: 'Live', environment: 'production' })
    assert.equal(made.status, 201, made.text)
    application = made.body
    assert.match(application.credentials.clientId, /^wl_live_[0-9a-z]{20}$/)
    assert.match(application.credentials.clientSecret, /^wl_live_sk_/)
  })

  test('without a subscription there is no token with the scope; with one, once, the call reaches the upstream', async () => {
    await assert.rejects(bearer(), /invalid_scope|no token/)
    const wanted = { applicationId: application.id, apiId: 'parcel-tracking/v1' }
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => owner('POST', '/subscriptions', wanted)),
    )
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [
      201,
      ...Array.from({ length: 9 }, () => 409),
    ])
    subscriptionId = String(answers.find((answer) => answer.status === 201)?.body.id)
    const token = await bearer()
    await becomes(token, 200)
    assert.deepEqual(await (await call(token)).json(), { parcelId: 'p-17', state: 'delivered' })
    const { url, headers } = seen.at(-1) ?? { url: '', headers: {} }
    assert.equal(url, '/parcel-tracking/v1/parcels/p-17')
    assert.equal(headers['x-correlator'], 'production-road')
    assert.equal(headers['x-wayleave-application'], application.id)
    assert.equal(headers['x-wayleave-environment'], 'production')
    assert.equal(headers.authorization, undefined, 'the token of a partner stays here')
    const sandbox = product.wellKnown.environments.sandbox.gateway
    const elsewhere = await fetch(`${sandbox}/parcel-tracking/v1/parcels/p-17`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(elsewhere.status, 401)
  })

  test('a production call costs what the plan says', async () => {
    await until(async () => {
      const usage = await owner('GET', '/usage?environment=production')
      const { units, amount } = usage.body.total
      return units >= 2 && Math.abs(Number(amount) - units * 0.03) < 1e-9
    }, 30_000)
  })

  test('a suspended partner neither calls nor gets a token, within a second; resumed, both', async () => {
    const token = await bearer()
    const suspension = `/partners/${partner.registration.partner.id}/suspension`
    assert.equal((await staff('POST', suspension, { reason: 'an unpaid bill' })).status, 200)
    await becomes(token, 403)
    await assert.rejects(bearer(), /no token/)
    assert.equal((await staff('DELETE', suspension)).status, 200)
    await becomes(token, 200)
    await becomes(await bearer(), 200)
  })

  test('a suspended contract stops its calls within a second; lifted, they go on', async () => {
    const token = await bearer()
    const suspension = `/contracts/${partner.contractId}/suspension`
    assert.equal((await staff('POST', suspension, { reason: 'an unpaid bill' })).status, 201)
    await becomes(token, 403)
    await assert.rejects(bearer(), /no token/)
    assert.equal((await staff('DELETE', suspension)).status, 204)
    await becomes(token, 200)
  })

  test('two secrets live side by side, and the old one ends alone, with its tokens', async () => {
    const credentials = `/applications/${application.id}/credentials`
    const old = application.credentials
    const next = (await owner('POST', credentials, { type: 'client_secret' })).body
    const [oldToken, newToken] = await Promise.all([bearer(), bearer(next.clientSecret)])
    await becomes(oldToken, 200)
    await becomes(newToken, 200)
    assert.equal((await owner('POST', credentials, { type: 'client_secret' })).status, 409)
    assert.equal((await owner('DELETE', `${credentials}/${old.id}`)).status, 204)
    await becomes(oldToken, 401)
    await assert.rejects(bearer(), /401/)
    assert.equal((await call(newToken)).status, 200)
    application.credentials = next
  })

  test('an ended subscription ends the call within a second', async () => {
    const token = await bearer()
    assert.equal((await owner('DELETE', `/subscriptions/${subscriptionId}`)).status, 204)
    await becomes(token, 403)
    const again = { applicationId: application.id, apiId: 'parcel-tracking/v1' }
    assert.equal((await owner('POST', '/subscriptions', again)).status, 201)
    await becomes(token, 200)
  })

  test('a deleted application is gone everywhere within a second, and its subscription with it', async () => {
    const token = await bearer()
    const deleted = await owner('DELETE', `/applications/${application.id}`)
    assert.equal(deleted.status, 204)
    await becomes(token, 401)
    await assert.rejects(bearer(), /401/)
    assert.equal((await owner('GET', `/applications/${application.id}`)).status, 404)
    await until(async () => {
      const left = await owner('GET', `/subscriptions?applicationId=${application.id}`)
      return left.body.items.length === 0
    }, soonMs)
  })

  test('an ended contract closes production again, and a new one opens it', async () => {
    assert.equal((await owner('DELETE', `/contracts/${partner.contractId}`)).status, 204)
    const wanted = { name: 'Live', environment: 'production' }
    assert.equal((await owner('POST', '/applications', wanted)).status, 409)
    const terms = { planId: 'pln_paid', agreementId: partner.agreementId }
    const opened = await Promise.all(
      Array.from({ length: 10 }, () => owner('POST', '/contracts', terms)),
    )
    assert.equal(opened.filter((answer) => answer.status === 201).length, 1)
    assert.equal((await owner('POST', '/applications', wanted)).status, 201)
  })

  test('a member joins by mail, does what the role allows, and is out at once when removed', async () => {
    const members = `/partners/${partner.registration.partner.id}/members`
    const email = 'dora@example.com'
    assert.equal((await owner('POST', members, { email, role: 'developer' })).status, 201)
    const joined = await ask(product, {}, 'POST', '/invitations/accept', {
      token: await mailedToken(product, email, 'accept-invitation'),
      name: 'Dora',
      password: 'correct horse battery staple',
    })
    assert.equal(joined.status, 201)
    const dora = { cookie: joined.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '' }
    const sandbox = { name: 'Hers', environment: 'sandbox' }
    assert.equal((await ask(product, dora, 'POST', '/applications', sandbox)).status, 201)
    const contract = { planId: 'pln_paid', agreementId: partner.agreementId }
    assert.equal((await ask(product, dora, 'POST', '/contracts', contract)).status, 403)
    const token = (await ask(product, dora, 'POST', '/tokens', { name: 'hers' })).body.token
    assert.equal((await ask(product, { token }, 'GET', '/applications')).status, 200)
    assert.equal((await owner('DELETE', `${members}/${joined.body.id}`)).status, 204)
    assert.equal((await ask(product, dora, 'GET', '/session')).status, 401)
    assert.equal((await ask(product, { token }, 'GET', '/applications')).status, 401)
  })

  test('what was done is in the evidence, without a secret or an address of a person', async () => {
    const wanted = [
      'agreement.accepted',
      'contract.opened',
      'application.deleted',
      'member.removed',
    ]
    let text = ''
    await until(async () => {
      text = (await owner('GET', '/audit-events?perPage=100')).text
      return wanted.every((action) => text.includes(`"${action}"`))
    }, 30_000)
    assert.doesNotMatch(text, /@example\.com|wl_(?:live|sbx)_sk_|wl_tok_|eyJ/)
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
              schema:
                type: object
                required: [parcelId, state]
                properties:
                  parcelId: {type: string, maxLength: 20}
                  state: {type: string, enum: [waiting, on its way, delivered]}
components:
  securitySchemes:
    openId: {type: openIdConnect, openIdConnectUrl: 'https://example.com/.well-known/openid-configuration'}
`
