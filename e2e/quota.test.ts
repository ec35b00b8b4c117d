import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ask, issueToken } from '../test/support/partner-world.ts'
import { accessToken, signUp, until } from '../test/support/product.ts'
import { type SharedProduct, sharedProduct } from '../test/support/shared-product.ts'
import { openBrowser } from './browser.ts'

describe('a quota that is used up', () => {
  let product: SharedProduct
  const cleanUps: (() => Promise<void> | void)[] = []
  before(async () => {
    product = await sharedProduct({ after: (fn) => void cleanUps.push(fn) })
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  test('a partner reads on its pages that the quota is used up, and until when calls are refused', async (t) => {
    const { body: registration, cookie } = await signUp(product)
    const operator = { token: await issueToken(product, '--role', 'operator') }
    let contractId = ''
    await until(async () => {
      const { body } = await ask(product, { cookie }, 'GET', '/contracts?environment=sandbox')
      contractId = body.items[0]?.id ?? ''
      return contractId !== ''
    }, 20_000)
    const limits = { rate: [{ limit: 50, windowSeconds: 1 }], quota: { limit: 5, period: 'month' } }
    const set = await ask(product, operator, 'PUT', `/contracts/${contractId}/limits`, limits)
    assert.equal(set.status, 200, set.text)
    const { credentials, firstCall } = registration
    const { clientId, clientSecret } = credentials
    const token = await accessToken(firstCall.tokenUrl, clientId, clientSecret, 'sim-swap:check')
    const call = async (): Promise<number> => {
      const answer = await fetch(firstCall.url, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{"phoneNumber":"+99012345678"}',
      })
      await answer.body?.cancel()
      return answer.status
    }
    await until(async () => (await call()) === 429, 20_000)
    await until(async () => {
      const { body } = await ask(product, { cookie }, 'GET', `/contracts/${contractId}`)
      const warnings = body.quotaWarnings as { percent: number }[] | undefined
      return warnings?.some(({ percent }) => percent === 100) === true
    }, 30_000)

    const { page, context, complaints } = await openBrowser(t)
    const { hostname } = new URL(product.wellKnown.portal)
    await context.addCookies(
      cookie.split('; ').map((one) => {
        const [name = '', value = ''] = one.split('=', 2)
        return { name, value, domain: hostname, path: '/' }
      }),
    )
    for (const pathname of ['/app/usage', '/app/production']) {
      await page.goto(`${product.wellKnown.portal}${pathname}`)
      await page
        .getByText(/quota of 5 calls for .* was used up\. Further calls are refused/)
        .waitFor()
    }
    assert.deepEqual(complaints, [])
  })
})
