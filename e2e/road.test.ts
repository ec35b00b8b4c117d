import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { type Product, startProduct, until } from '../test/support/product.ts'
import { openBrowser, violationsOf } from './browser.ts'

const shell = promisify(execFile)
const password = 'violet harbour 58 lantern'

describe('the road in a browser', () => {
  let product: Product
  const cleanUps: (() => Promise<void> | void)[] = []
  const later = { after: (fn: () => Promise<void> | void) => void cleanUps.push(fn) }
  const email = `ada-${Date.now()}@example.com`
  const open = (pathname: string): string => `${product.wellKnown.portal}${pathname}`

  const fillSignUp = async (page: Page, address: string): Promise<void> => {
    await page.goto(open('/sign-up'))
    await page.getByLabel('Organisation').fill('Example Bank')
    await page.getByLabel('Your name').fill('Ada Example')
    await page.getByLabel('Work e-mail').fill(address)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: /create account/i }).click()
  }

  before(async () => {
    product = await startProduct(later)
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  test('a visitor runs a real sandbox call before signing up', async (t) => {
    const { page, complaints } = await openBrowser(t)
    await page.goto(open('/'))
    await page.getByRole('button', { name: 'Run' }).first().click()
    await page
      .getByText(/"swapped": (true|false)/)
      .first()
      .waitFor()
    assert.deepEqual(complaints, [])
  })

  test('a partner signs up, makes the first call from the explorer and sees it in the usage', async (t) => {
    const { page, complaints } = await openBrowser(t)
    await fillSignUp(page, email)
    await page.waitForURL('**/app')
    await page
      .getByText(/^wl_sbx_sk_/)
      .first()
      .waitFor()

    await page.goto(open('/apis/sim-swap/v2/checkSimSwap'))
    const form = page.getByRole('form', { name: /^Try/ })
    await form.getByRole('option', { name: /My first application/ }).waitFor({ state: 'attached' })
    await form.getByRole('button', { name: 'Run' }).click()
    await form.getByText(/"swapped": (true|false)/).waitFor()

    await page.goto(open('/app/usage'))
    await until(
      async () => {
        if (
          await page.getByRole('row', { name: /sim-swap\/v2 1 1 0\.00 EUR 0\.02 EUR/ }).isVisible()
        )
          return true
        await page.reload()
        await page.getByRole('heading', { name: 'Usage' }).waitFor()
        return false
      },
      10_000,
      500,
    )
    assert.deepEqual(complaints, [])
  })

  test('the curl line of the quickstart, copied into a shell, works and turns the checklist green', async (t) => {
    const { page } = await openBrowser(t)
    await fillSignUp(page, `curl-${email}`)
    await page.waitForURL('**/app')
    const curl = await page.getByRole('region', { name: 'First call', exact: true }).textContent()
    const { stdout } = await shell('bash', ['-c', curl ?? ''])
    assert.match(stdout, /"swapped":/)
    await page.getByText('First call made').first().waitFor()
  })

  test('a code that the OTP API sends is read under received messages', async (t) => {
    const { page } = await openBrowser(t)
    await fillSignUp(page, `otp-${email}`)
    await page.waitForURL('**/app')
    await page.goto(open('/apis/one-time-password-sms/v1/sendCode'))
    const form = page.getByRole('form', { name: /^Try/ })
    await form.getByRole('option', { name: /My first application/ }).waitFor({ state: 'attached' })
    await form.getByRole('button', { name: 'Run' }).click()
    await form
      .getByText(/authenticationId/)
      .first()
      .waitFor()
    await page.goto(open('/app/messages'))
    await page
      .getByText(/\b\d{6}\b/)
      .first()
      .waitFor()
  })

  test('faults of the sign-up form stand at their fields, and that an address is known is not told', async (t) => {
    const { page } = await openBrowser(t)
    await page.goto(open('/sign-up'))
    await page.getByLabel('Organisation').fill('Example Bank')
    await page.getByLabel('Your name').fill('Ada')
    await page.getByLabel('Work e-mail').fill('nobody')
    await page.getByLabel('Password').fill('short')
    await page.getByRole('button', { name: /create account/i }).click()
    await until(async () => (await page.locator('[aria-invalid="true"]').count()) === 2, 5_000)
    assert.equal(new URL(page.url()).pathname, '/sign-up')
    await fillSignUp(page, `curl-${email}`)
    await page.waitForURL('**/app')
    await page.getByRole('region', { name: 'First call', exact: true }).waitFor()
    assert.equal(await page.getByText(/has an account/).count(), 0)
  })

  test('sign-in works by keyboard alone', async (t) => {
    const { page, complaints } = await openBrowser(t)
    await page.goto(open('/sign-in'))
    await page.getByLabel(/e-mail/i).focus()
    await page.keyboard.type(email)
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(() => document.activeElement?.getAttribute('type'))
    for (let tabs = 0; (await focused()) !== 'password' && tabs < 4; tabs += 1)
      await page.keyboard.press('Tab')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.waitForURL('**/app')
    assert.deepEqual(complaints, [])
  })

  test('the reference is readable without script', async (t) => {
    const { page } = await openBrowser(t, { javaScriptEnabled: false })
    await page.goto(open('/apis'))
    await page.getByRole('link', { name: /SIM/i }).first().click()
    await page.goto(open('/apis/sim-swap/v2/checkSimSwap'))
    const text = (await page.locator('main').textContent()) ?? ''
    for (const part of [
      'phoneNumber',
      'maxAge',
      'sim-swap:check',
      'IDENTIFIER_NOT_FOUND',
      'swapped',
      '0.02',
      'grant_type',
    ]) {
      assert.ok(text.includes(part), part)
    }
  })

  test('the first operator enters by the one-time link, once, and sees partners, APIs and live calls', async (t) => {
    const { page, complaints } = await openBrowser(t)
    const link = /http\S+\/console\/welcome\?token=\S+/.exec(product.output())?.[0] ?? ''
    await page.goto(link)
    await page.getByLabel(/name/i).first().fill('Grace Operator')
    await page.getByLabel(/e-mail/i).fill('grace@operator.example')
    await page.getByLabel(/^password/i).fill(password)
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.waitForURL(/\/console(?!\/welcome)/)
    await page.goto(open('/console/partners'))
    await page.getByText('Example Bank').first().waitFor()
    await page.goto(open('/console/apis'))
    await page
      .getByText(/sim-swap/i)
      .first()
      .waitFor()
    await page.goto(open('/console/calls'))
    await page
      .getByText(/sim-swap/i)
      .first()
      .waitFor()
    await page.getByText('Live from 2 gateways').waitFor()
    const call = (correlator: string): Promise<Response> =>
      fetch(`${product.wellKnown.environments.sandbox.gateway}/nowhere`, {
        headers: { 'x-correlator': correlator },
      })
    await call('seen-as-it-happens')
    await page.getByText('seen-as-it-happens').waitFor()
    await page.getByRole('button', { name: 'Pause' }).press('Enter')
    await call('while-it-was-paused')
    await page.getByText('Paused, 1 new').waitFor()
    assert.equal(await page.getByText('while-it-was-paused').count(), 0)
    await page.getByRole('button', { name: 'Go on' }).press('Enter')
    await page.getByText('while-it-was-paused').waitFor()

    await page.getByRole('link', { name: 'Find a call' }).click()
    await page.getByLabel('Correlator, exchange or trace').fill('seen-as-it-happens')
    await page.keyboard.press('Enter')
    await page.waitForURL(/exchanges\/exc_/)
    await page.getByRole('heading', { name: '404 NOT_FOUND' }).waitFor()
    await page.getByText('Owner: the caller').waitFor()
    await page.getByText('Refused by').waitFor()
    await page.getByRole('link', { name: 'What NOT_FOUND means and what to do' }).waitFor()
    await page.goto(open('/console/gateways'))
    await page.getByRole('heading', { name: 'Services behind the APIs' }).waitFor()
    const live = page.getByText('live', { exact: true })
    await until(async () => (await live.count()) === 2, 30_000)
    const faults: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      for (const pathname of ['/console/calls', '/console/exchanges', '/console/gateways']) {
        await page.goto(open(pathname))
        await page.getByRole('heading', { level: 1 }).waitFor()
        faults.push(...(await violationsOf(page)).map((found) => `${pathname} ${found}`))
      }
    }
    assert.deepEqual(faults, [])
    assert.deepEqual(complaints, [])
    await page.context().clearCookies()
    const again = await fetch(`${product.wellKnown.management}/operators/first`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        token: new URL(link).searchParams.get('token'),
        name: 'Eve',
        email: 'eve@example.com',
        password,
      }),
    })
    assert.ok(again.status >= 400 && again.status < 500)
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`the pages have no accessibility fault that axe can find (${colorScheme})`, async (t) => {
      const { page } = await openBrowser(t, { colorScheme })
      const found: string[] = []
      for (const pathname of [
        '/',
        '/apis',
        '/apis/sim-swap/v2',
        '/apis/sim-swap/v2/checkSimSwap',
        '/sandbox',
        '/errors',
        '/getting-started',
        '/sign-up',
        '/sign-in',
      ]) {
        await page.goto(open(pathname))
        found.push(...(await violationsOf(page)).map((violation) => `${pathname} ${violation}`))
      }
      await page.goto(open('/sign-in'))
      await page.getByLabel(/e-mail/i).fill(email)
      await page.getByLabel('Password').fill(password)
      await page.keyboard.press('Enter')
      await page.waitForURL('**/app')
      for (const pathname of [
        '/app',
        '/app/applications',
        '/app/usage',
        '/app/calls',
        '/app/messages',
        '/app/members',
        '/app/production',
        '/app/account',
      ]) {
        await page.goto(open(pathname))
        await page.getByRole('heading', { level: 1 }).waitFor()
        found.push(...(await violationsOf(page)).map((violation) => `${pathname} ${violation}`))
      }
      await page.goto(open('/app/calls'))
      await page.locator('table a[href^="/app/calls/"]').first().click()
      await page.getByRole('heading', { name: 'The call' }).waitFor()
      found.push(...(await violationsOf(page)).map((violation) => `a call ${violation}`))
      assert.deepEqual(found, [])
    })
  }
})
