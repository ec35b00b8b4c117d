import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { CDPSession, Page } from 'playwright-core'
import { type Product, startProduct } from '../test/support/product.ts'
import { openBrowser, violationsOf } from './browser.ts'

const password = 'violet harbour 58 lantern'

/** A device that keeps passkeys and checks its user, as Chromium simulates one. */
async function addAuthenticator(page: Page): Promise<{ answers: (yes: boolean) => Promise<void> }> {
  const cdp: CDPSession = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return {
    answers: async (enabled) => {
      await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
    },
  }
}

const codeOf = (secret: string): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate()

describe('factors in a browser', () => {
  let product: Product
  const cleanUps: (() => Promise<void> | void)[] = []
  const later = { after: (fn: () => Promise<void> | void) => void cleanUps.push(fn) }
  const open = (pathname: string): string => `${product.wellKnown.portal}${pathname}`

  /** A second browser of the same person, without its passkey. */
  const elsewhere = () => {
    let cookie = ''
    return async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${product.wellKnown.management}${path}`, {
        method,
        headers: { cookie, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const set = response.headers.getSetCookie().find((one) => one.includes('session'))
      if (set !== undefined) cookie = set.split(';', 1)[0] ?? ''
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    }
  }

  const signUp = async (page: Page, email: string): Promise<void> => {
    await page.goto(open('/sign-up'))
    await page.getByLabel('Organisation').fill('Example Bank')
    await page.getByLabel('Your name').fill('Ada Example')
    await page.getByLabel('Work e-mail').fill(email)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: /create account/i }).click()
    await page.waitForURL('**/app')
  }

  const addPasskey = async (page: Page): Promise<string[]> => {
    await page.getByRole('button', { name: 'Add a passkey' }).press('Enter')
    await page.getByLabel('Name').fill('Work laptop')
    await page.keyboard.press('Enter')
    const codes = page.getByRole('list', { name: 'Recovery codes' })
    await codes.waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    return await codes.getByRole('listitem').allTextContents()
  }

  const signOut = async (page: Page, to: string): Promise<void> => {
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
    await page.waitForURL(open(to))
  }

  before(async () => {
    product = await startProduct(later)
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  test('a member adds a passkey, proves with it to be there, and signs in with it and without', async (t) => {
    const { page } = await openBrowser(t)
    const device = await addAuthenticator(page)
    const email = `ada-${Date.now()}@example.com`
    await signUp(page, email)
    await page.goto(open('/app/security'))
    await page.getByText('A password is all that protects').waitFor()
    const codes = await addPasskey(page)
    assert.equal(codes.length, 10)
    await page.getByRole('button', { name: 'I have kept them' }).press('Enter')
    await page.getByText('10 of 10 are left').waitFor()

    const other = elsewhere()
    const half = await other('POST', '/session', { email, password })
    const { ticket } = half.body
    const code = codes[0]
    const method = 'recovery-code'
    const done = await other('POST', '/session/second-factor', { ticket, method, code })
    assert.equal(done.status, 201)
    const { secret } = (await other('POST', '/factors/totp')).body
    const confirm = { code: codeOf(secret) }
    assert.equal((await other('POST', '/factors/totp/confirm', confirm)).status, 200)

    // A factor that was added elsewhere ends what this session has proved.
    await page.reload()
    await page.getByText('9 of 10 are left').waitFor()
    await page.getByRole('button', { name: 'Make new codes' }).click()
    const make = page
      .getByRole('dialog', { name: 'Make new recovery codes?' })
      .getByRole('button', { name: 'Make new codes' })
    await make.click()
    const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await dialog.getByRole('button', { name: 'Use a passkey' }).waitFor()
    assert.deepEqual(await violationsOf(page), [])
    await dialog.getByRole('button', { name: 'Cancel' }).press('Enter')
    await page.getByText('Nothing was changed').waitFor()
    await dialog.waitFor({ state: 'detached' })
    await make.click()
    await dialog.getByRole('button', { name: 'Use a passkey' }).press('Enter')
    await page.getByRole('list', { name: 'Recovery codes' }).waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.deepEqual(await violationsOf(page), [])

    await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await page
      .getByRole('button', { name: 'Sign out everywhere else' })
      .waitFor({ state: 'detached' })
    assert.equal((await other('GET', '/session')).status, 401)
    await signOut(page, '/')

    await device.answers(false)
    await page.goto(open('/sign-in'))
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password').fill(password)
    await page.keyboard.press('Enter')
    const field = page.getByLabel('Code of your authenticator app')
    await field.waitFor()
    assert.deepEqual(await violationsOf(page), [])
    await page.keyboard.type('000000')
    await page.keyboard.press('Enter')
    await page.getByText('The code is not right').waitFor()
    await device.answers(true)
    // The browser may offer the passkey by itself first, and the page be on its way.
    const button = page.getByRole('button', { name: 'Sign in with a passkey' })
    await Promise.allSettled([button.press('Enter')])
    await page.waitForURL('**/app')
    await signOut(page, '/')

    // The browser offers the passkey by itself; the simulated device takes it at once.
    await page.goto(open('/sign-in?return=%2Fapp%2Fsecurity'))
    await page.waitForURL('**/app/security')
    await page.getByRole('cell', { name: 'Work laptop', exact: true }).waitFor()
  })

  test('a member sets up an authenticator app, and a code of it completes the sign-in', async (t) => {
    const { page } = await openBrowser(t)
    const email = `bob-${Date.now()}@example.com`
    await signUp(page, email)
    await page.goto(open('/app/security'))
    await page.getByRole('button', { name: 'Set up an app' }).press('Enter')
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    const secret = (await page.locator('.value code').first().textContent()) ?? ''
    assert.match(secret, /^[A-Z2-7]{32}$/)
    assert.deepEqual(await violationsOf(page), [])
    await page.getByLabel('2. Type the code').fill('000000')
    await page.keyboard.press('Enter')
    await page.getByText('It is not the code that the app shows now').waitFor()
    await page.getByLabel('2. Type the code').fill(codeOf(secret))
    await page.keyboard.press('Enter')
    const codes = page.getByRole('list', { name: 'Recovery codes' })
    await codes.waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const kept = await codes.getByRole('listitem').allTextContents()
    await signOut(page, '/')
    await page.goto(open('/sign-in'))
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Password').fill(password)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Use a recovery code' }).press('Enter')
    await page.getByLabel('Recovery code', { exact: true }).waitFor()
    await page.keyboard.type(kept[3] ?? '')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/app')
    await page.goto(open('/app/security'))
    await page.getByText('9 of 10 are left').waitFor()
    await page.getByText('password and recovery code').waitFor()
  })

  test('staff are asked for a second factor, and sign in to the console with a passkey', async (t) => {
    const { page } = await openBrowser(t)
    const device = await addAuthenticator(page)
    const link = /http\S+\/console\/welcome\?token=\S+/.exec(product.output())?.[0] ?? ''
    await page.goto(link)
    await page.getByLabel(/name/i).first().fill('Grace Operator')
    await page.getByLabel(/e-mail/i).fill('grace@operator.example')
    await page.getByLabel(/^password/i).fill(password)
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByRole('link', { name: 'Add a passkey' }).press('Enter')
    await page.waitForURL('**/console/security')
    await addPasskey(page)
    await device.answers(false)
    await signOut(page, '/console/sign-in')
    const button = page.getByRole('button', { name: 'Sign in with a passkey' })
    await button.waitFor()
    assert.deepEqual(await violationsOf(page), [])
    await device.answers(true)
    await button.press('Enter')
    await page.waitForURL('**/console/partners')
    assert.equal(await page.getByRole('link', { name: 'Add a passkey' }).count(), 0)
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`the security page has no accessibility fault that axe can find (${colorScheme})`, async (t) => {
      const { page, complaints } = await openBrowser(t, { colorScheme })
      await addAuthenticator(page)
      await signUp(page, `eve-${colorScheme}-${Date.now()}@example.com`)
      await page.goto(open('/app/security'))
      await page.getByText('this one').waitFor()
      assert.deepEqual(await violationsOf(page), [])
      await addPasskey(page)
      assert.deepEqual(await violationsOf(page), [])
      assert.deepEqual(complaints, [])
    })
  }
})
