import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ask } from '../test/support/partner-world.ts'
import { signUp } from '../test/support/product.ts'
import { type SharedProduct, sharedProduct } from '../test/support/shared-product.ts'
import { openBrowser, violationsOf } from './browser.ts'

describe('how an application signs in, on its page', () => {
  let product: SharedProduct
  const cleanUps: (() => Promise<void> | void)[] = []
  before(async () => {
    product = await sharedProduct({ after: (fn) => void cleanUps.push(fn) })
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  test('a partner sets purposes and redirect addresses, is told its mistakes at their fields, and finds what it saved', async (t) => {
    const { body: registration, cookie } = await signUp(product)
    const { page, context, complaints } = await openBrowser(t)
    const { hostname } = new URL(product.wellKnown.portal)
    await context.addCookies(
      cookie.split('; ').map((one) => {
        const [name = '', value = ''] = one.split('=', 2)
        return { name, value, domain: hostname, path: '/' }
      }),
    )
    const address = `/applications/${registration.application.id}`
    await page.goto(`${product.wellKnown.portal}/app${address}`)
    const section = page.getByRole('region', { name: 'Sign-in and consent' })
    await section.getByRole('button', { name: 'Add a purpose' }).click()
    const row = section.getByRole('group', { name: 'Purpose 2' })
    await row.getByRole('combobox', { name: 'What for' }).fill('Fraud prev')
    await page.getByRole('option', { name: 'Fraud prevention and detection' }).click()
    await row.getByLabel('Scopes').fill('location-verification:verify sim-swap:chek')
    await section.getByLabel('Redirect addresses').fill('https://app.example/#home')
    await section.getByRole('button', { name: 'Save sign-in settings' }).click()
    await section.getByText('sim-swap:chek is a scope of no API').waitFor()
    await section.getByText('https://app.example/#home must have no fragment').waitFor()
    assert.deepEqual(await violationsOf(page), [])
    // The browser itself tells of an answer with 400.
    complaints.length = 0

    await row.getByLabel('Scopes').fill('location-verification:verify')
    await section.getByLabel('Redirect addresses').fill('https://app.example/back')
    await section.getByLabel('FAPI 2.0').check()
    const { issuerTls } = product.wellKnown.environments.sandbox
    await section.getByText(`ask for tokens at ${issuerTls}/token with client_id`).waitFor()
    await section.getByRole('button', { name: 'Save sign-in settings' }).click()
    await section.getByText('Saved. It holds from now on.').waitFor()
    assert.deepEqual(await violationsOf(page), [])
    const { body } = await ask(product, { cookie }, 'GET', `${address}/authorization`)
    assert.deepEqual(
      [body.revision, body.profile, body.senderConstraint, body.redirectUris],
      [1, 'fapi2', 'either', ['https://app.example/back']],
    )
    assert.deepEqual(Object(body.grants)[1], {
      grantType: 'authorization_code',
      purpose: 'dpv:FraudPreventionAndDetection',
      scopes: ['location-verification:verify'],
    })
    await page.reload()
    await section.getByRole('group', { name: 'Purpose 2' }).waitFor()
    const shown = await section.getByLabel('Redirect addresses').inputValue()
    assert.equal(shown, 'https://app.example/back')
    assert.deepEqual(complaints, [])
  })
})
