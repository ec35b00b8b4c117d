import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Provider } from 'oidc-provider'
import type { Page } from 'playwright-core'
import { type Product, signUp, startProduct, until } from '../test/support/product.ts'
import { openBrowser, violationsOf } from './browser.ts'

const domain = 'acme.example'
const clientSecret = 'a secret of the identity provider'

/** A third party's provider, which asks for a name and any password. */
async function startProvider(
  later: { after: (fn: () => void) => void },
  redirectUri: string,
): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  later.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'wayleave', client_secret: clientSecret, redirect_uris: [redirectUri] }],
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@${domain}`, email_verified: true, name: 'Bob Acme' }),
    }),
  })
  server.on('request', provider.callback())
  return issuer
}

describe('single sign-on in a browser', () => {
  let product: Product
  const cleanUps: (() => Promise<void> | void)[] = []
  const later = { after: (fn: () => Promise<void> | void) => void cleanUps.push(fn) }
  before(async () => {
    product = await startProduct(later, {
      env: { WAYLEAVE_EGRESS_NETWORKS: '127.0.0.0/8,::1/128' },
    })
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const open = (pathname: string): string => `${product.wellKnown.portal}${pathname}`

  /** The code that was mailed to the domain. */
  const mailedCode = (): string | undefined => {
    const folder = path.join(product.dataDir, 'mail')
    const texts = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8'))
    const mail = texts.find((text) => text.includes(`\nTo: postmaster@${domain}\n`))
    return mail === undefined ? undefined : /^[\w-]{43}$/m.exec(mail)?.[0]
  }

  const logIn = async (page: Page, name: string): Promise<void> => {
    await page.locator('input[name=login]').fill(name)
    await page.locator('input[name=password]').fill('any password')
    await page.locator('button[type=submit]').click()
  }

  test('an owner proves a domain and sets a provider up; a colleague signs in with it, and proves with it to be there', async (t) => {
    const { cookie } = await signUp(product)
    const owner = await openBrowser(t)
    const { hostname } = new URL(product.wellKnown.portal)
    await owner.context.addCookies(
      cookie.split('; ').map((one) => {
        const [name = '', value = ''] = one.split('=', 2)
        return { name, value, domain: hostname, path: '/' }
      }),
    )
    const { page } = owner
    await page.goto(open('/app/sign-on'))
    await page.getByRole('textbox', { name: 'Domain' }).fill(domain)
    await page.getByRole('button', { name: 'Add domain' }).click()
    await page.getByRole('button', { name: `Prove ${domain}` }).click()
    await page.getByText(`_wayleave.${domain}`).waitFor()
    assert.deepEqual(await violationsOf(page), [])
    await page.getByRole('button', { name: 'Mail a code' }).click()
    await page.getByLabel('Code from the mail').waitFor()
    await until(() => mailedCode() !== undefined, 10_000)
    await page.getByLabel('Code from the mail').fill(mailedCode() ?? '')
    await page.getByRole('button', { name: 'Prove by code' }).click()
    await page.getByText('proved', { exact: true }).waitFor()
    const provider = page.getByRole('region', { name: 'Identity provider' })
    const redirectUri = (await provider.locator('code').first().textContent()) ?? ''
    const issuer = await startProvider(later, redirectUri)
    await provider.getByLabel('Issuer').fill(`${issuer}/nowhere`)
    await provider.getByLabel('Client id').fill('wayleave')
    await provider.getByRole('textbox', { name: 'Client secret' }).fill(clientSecret)
    await provider.getByRole('button', { name: 'Set up single sign-on' }).click()
    await provider.getByText('does not answer as an OpenID provider').waitFor()
    await provider.getByLabel('Issuer').fill(issuer)
    await provider.getByRole('button', { name: 'Set up single sign-on' }).click()
    await provider.getByRole('button', { name: 'Save single sign-on' }).waitFor()
    assert.deepEqual(await violationsOf(page), [])

    const { page: there } = await openBrowser(t)
    await there.goto(open('/sign-in?return=%2Fapp%2Ftokens'))
    await there.getByLabel('E-mail').fill(`bob@${domain}`)
    await there.getByRole('button', { name: 'Use single sign-on' }).click()
    await logIn(there, 'bob')
    await there.locator('button[type=submit]').click()
    await there.waitForURL('**/app/tokens')
    await there.getByText('Bob Acme').waitFor()
    assert.deepEqual(await violationsOf(there), [])

    await there.getByRole('button', { name: 'Make a token' }).click()
    await there.getByRole('textbox', { name: 'Name' }).fill('nightly report')
    await there.getByLabel('Only what I choose').check()
    await there.getByLabel('see usage and what it costs').check()
    assert.deepEqual(await violationsOf(there), [])
    await there.getByRole('button', { name: 'Make token' }).click()
    const opened = there.waitForEvent('popup')
    await there.getByRole('button', { name: 'Confirm with single sign-on' }).click()
    const popup = await opened
    await logIn(popup, 'bob')
    await there.getByText('Copy the token now').waitFor()
    await there.getByRole('cell', { name: 'usage.read' }).waitFor()
    assert.deepEqual(await violationsOf(there), [])
  })
})
