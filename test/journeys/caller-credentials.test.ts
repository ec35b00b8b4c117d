import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeCertificate, type TestCertificate } from '#platform/testing-certificates'
import { type Answer, ask, bodyAs, issueToken } from '../support/partner-world.ts'
import {
  accessToken,
  type Registration,
  signUp,
  temporaryFolder,
  until,
  wayleave,
} from '../support/product.ts'
import { type SharedProduct, sharedProduct } from '../support/shared-product.ts'

/** How soon a gateway must know of a change: under a second, or longer where the machine is busy. */
const soonMs = 5_000

describe('what a caller shows to the gateway itself', () => {
  let product: SharedProduct
  let registration: Registration
  let cookie: string
  const cleanUps: (() => Promise<void> | void)[] = []
  const later = { after: (fn: () => Promise<void> | void) => void cleanUps.push(fn) }

  before(async () => {
    product = await sharedProduct(later)
    const folder = path.join(temporaryFolder(later), 'parcels')
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'openapi.yaml'), document)
    writeFileSync(path.join(folder, 'product.yaml'), manifest)
    const published = await wayleave(product, 'catalog', 'publish', folder)
    assert.equal(published.code, 0, `${published.stdout}${published.stderr}`)
    const signedUp = await signUp(product)
    registration = signedUp.body
    cookie = signedUp.cookie
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const credentials = () => `/applications/${registration.application.id}/credentials`
  const owner = (method: string, address: string, body?: unknown): Promise<Answer> =>
    ask(product, { cookie }, method, address, body)
  const byKey = async (key: string, environment: 'sandbox' | 'production' = 'sandbox') => {
    const { gateway } = product.wellKnown.environments[environment]
    const answer = await fetch(`${gateway}/parcel-tracking/v1/parcels/p-17`, {
      headers: { 'x-api-key': key },
    })
    await answer.text()
    return answer.status
  }
  const token = () => {
    const { clientId, clientSecret } = registration.credentials
    const { issuer } = product.wellKnown.environments.sandbox
    return accessToken(`${issuer}/token`, clientId, clientSecret, 'parcel-tracking:parcels:read')
  }
  const byCertificate = async (
    agent: Agent,
    bearer: string,
    certificate?: TestCertificate,
  ): Promise<number> => {
    const { gatewayTls } = product.wellKnown.environments.sandbox
    return await new Promise((resolve, reject) => {
      const request = httpsRequest(
        `${gatewayTls}/parcel-tracking/v1/parcels/p-17/owner`,
        {
          agent,
          rejectUnauthorized: false,
          headers: { authorization: `Bearer ${bearer}` },
          ...(certificate && { key: certificate.key, cert: certificate.pem }),
        },
        (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode ?? 0))
        },
      )
      request.on('error', reject)
      request.end()
    })
  }

  test('an API key works at once in its environment only, beside a second one, until it is deleted', async () => {
    const made = await owner('POST', credentials(), { type: 'api_key' })
    assert.equal(made.status, 201, made.text)
    const { id, apiKey } = made.body as { id: string; apiKey: string }
    assert.equal(await byKey(apiKey), 200)
    assert.equal(await byKey(apiKey, 'production'), 401)
    assert.equal(await byKey(`${apiKey.slice(0, -1)}!`), 401)
    const next = await owner('POST', credentials(), { type: 'api_key' })
    assert.equal(await byKey(next.body.apiKey), 200)
    assert.equal((await owner('POST', credentials(), { type: 'api_key' })).status, 409)
    assert.equal((await owner('DELETE', `${credentials()}/${id}`)).status, 204)
    await until(async () => (await byKey(apiKey)) === 401, soonMs, 10)
    assert.equal(await byKey(next.body.apiKey), 200)
    // Nothing that a process writes has it.
    const logs = path.join(product.dataDir, 'logs')
    for (const file of readdirSync(logs))
      assert.ok(!readFileSync(path.join(logs, file), 'utf8').includes(apiKey.slice(0, 24)), file)
  })

  test('an operation that needs a certificate is served to the registered one, until it is deleted', async (t) => {
    const certificate = await makeCertificate()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const anonymous = new Agent()
    t.after(() => {
      agent.destroy()
      anonymous.destroy()
    })
    const bearer = await token()
    assert.equal(await byCertificate(agent, bearer, certificate), 401)
    const made = await owner('POST', credentials(), {
      type: 'client_certificate',
      certificate: certificate.pem,
    })
    assert.equal(made.status, 201, made.text)
    await until(async () => (await byCertificate(agent, bearer, certificate)) === 200, soonMs, 10)
    assert.equal(await byCertificate(anonymous, bearer), 401)
    assert.equal((await owner('DELETE', `${credentials()}/${made.body.id}`)).status, 204)
    // The connection stays open.
    await until(async () => (await byCertificate(agent, bearer, certificate)) === 401, soonMs, 10)
  })

  test('the record of a call says which credential it was, and tells the operator why one was refused', async () => {
    type Item = { id: string; status: number; credential?: string; bound?: string }
    let items: Item[] = []
    const has = (what: Partial<Item>) => (item: Item) =>
      Object.entries(what).every(([name, value]) => item[name as keyof Item] === value)
    const refused = has({ status: 401, credential: 'access-token' })
    await until(async () => {
      items = bodyAs<{ items: Item[] }>(await owner('GET', '/exchanges?perPage=100')).items
      return items.some(has({ status: 200, bound: 'certificate' })) && items.some(refused)
    }, 10_000)
    assert.ok(items.some(has({ status: 200, credential: 'api-key' })))
    const { id } = items.find(refused) ?? assert.fail()
    const operator = { token: await issueToken(product, '--role', 'operator') }
    const seen = await ask(product, operator, 'GET', `/exchanges/${id}`)
    assert.match(seen.body.reason, /certificate/)
    assert.equal(seen.body.refusedBy, 'bind')
  })
})

const manifest = `domain: Connectivity
owner: {team: Logistics, contact: logistics@example.com}
upstream: {sandbox: simulated}
operations:
  readParcel: {credentials: [access-token, api-key]}
  readParcelOwner: {clientCertificate: true}
`

const operation = (operationId: string): string => `    get:
      operationId: ${operationId}
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
                required: [state]
                properties:
                  state: {type: string, enum: [waiting, on its way, delivered]}
              example: {state: delivered}
`
const document = `openapi: 3.0.3
info:
  title: Parcel tracking
  version: 1.0.0
  license: {name: Apache 2.0, url: 'https://www.apache.org/licenses/LICENSE-2.0.html'}
servers:
  - url: '{apiRoot}/parcel-tracking/v1'
    variables: {apiRoot: {default: 'http://localhost:9091'}}
paths:
  /parcels/{parcelId}:
${operation('readParcel')}  /parcels/{parcelId}/owner:
${operation('readParcelOwner')}components:
  securitySchemes:
    openId: {type: openIdConnect, openIdConnectUrl: 'https://example.com/.well-known/openid-configuration'}
`
