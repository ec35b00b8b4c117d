import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ask, bodyAs, type Caller, mailedToken } from '../support/partner-world.ts'
import {
  accessToken,
  type Product,
  type Registration,
  signUp,
  startProduct,
  until,
  wayleave,
} from '../support/product.ts'

const number = '+99010000001'
const password = 'a password for the staff only'

type Erasure = { id: string; state: string; erased?: Record<string, number> }

describe('a subscriber who wants to be forgotten', () => {
  let product: Product
  let first: Caller
  let second: Caller
  let registration: Registration
  const cleanUps: (() => Promise<void> | void)[] = []

  before(async () => {
    product = await startProduct({ after: (fn) => void cleanUps.push(fn) })
    const [staff, signedUp] = await Promise.all([twoOfTheStaff(product), signUp(product)])
    first = staff.first
    second = staff.second
    registration = signedUp.body
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const call = async (): Promise<string> => {
    const { tokenUrl } = registration.firstCall
    const { clientId, clientSecret } = registration.credentials
    const token = await accessToken(tokenUrl, clientId, clientSecret, 'sim-swap:check')
    const answer = await fetch(
      `${product.wellKnown.environments.sandbox.gateway}/sim-swap/v2/check`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ phoneNumber: number }),
      },
    )
    assert.equal(answer.status, 200, await answer.text())
    const correlator = answer.headers.get('x-correlator') ?? ''
    let id = ''
    await until(async () => {
      const found = await ask(product, first, 'GET', `/exchanges?correlator=${correlator}`)
      id = found.body.items[0]?.id ?? ''
      return id !== ''
    }, 20_000)
    return id
  }
  const subjectOf = async (id: string): Promise<unknown> =>
    bodyAs<{ subject?: string }>(await ask(product, first, 'GET', `/exchanges/${id}`)).subject
  const verify = () => wayleave(product, 'audit', 'verify')

  test('is erased by two people, after which calls about them lead to nobody and the log still verifies', async () => {
    const exchangeId = await call()
    assert.match(String(await subjectOf(exchangeId)), /^[\w-]{43}$/)
    const asked = await ask(product, first, 'POST', '/erasures', {
      phoneNumber: number,
      reason: `letter about ${number}`,
    })
    assert.equal(asked.status, 201, asked.text)
    assert.ok(!asked.text.includes(number.slice(1)), 'the number is in no answer')
    const confirm = (who: Caller) => ask(product, who, 'POST', `/erasures/${asked.body.id}/confirm`)
    assert.equal((await confirm(first)).status, 403)
    const done = await confirm(second)
    assert.equal(done.status, 200, done.text)
    const { erased = {}, state } = bodyAs<Erasure>(done)
    assert.equal(state, 'done')
    assert.equal(erased['metering.exchange'], 1)
    assert.equal(erased['audit.segment'], 1)
    assert.equal(await subjectOf(exchangeId), undefined)
    assert.equal((await confirm(second)).status, 409)
    const verified = await verify()
    assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`)
  })

  test('is known under a new key when somebody asks about them again', async () => {
    const exchangeId = await call()
    assert.match(String(await subjectOf(exchangeId)), /^[\w-]{43}$/)
    const verified = await verify()
    assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`)
  })
})

/** The first operator of a new product, and a colleague. */
async function twoOfTheStaff(product: Product): Promise<{ first: Caller; second: Caller }> {
  const token = /\/console\/welcome\?token=(\S+)/.exec(product.output())?.[1]
  const first = await signedIn(product, '/operators/first', {
    ...{ token, name: 'Ola', email: 'ola@operator.example', password },
  })
  const invited = await ask(product, first, 'POST', '/operators', {
    ...{ email: 'lin@operator.example', role: 'administrator' },
  })
  assert.equal(invited.status, 201, invited.text)
  const link = await mailedToken(product, 'lin@operator.example', 'console/accept-invitation')
  const second = await signedIn(product, '/invitations/accept', {
    token: link,
    name: 'Lin',
    password,
  })
  return { first, second }
}

async function signedIn(product: Product, address: string, body: unknown): Promise<Caller> {
  const answer = await ask(product, {}, 'POST', address, body)
  assert.ok(answer.status === 200 || answer.status === 201, answer.text)
  const cookie = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0])
  return { cookie: cookie.join('; ') }
}
