import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { mailedToken } from '../test/support/partner-world.ts'
import { type Product, signUp, startProduct } from '../test/support/product.ts'
import { openBrowser, violationsOf } from './browser.ts'

const password = 'violet harbour 58 lantern'

describe('roles, members and staff in a browser', () => {
  let product: Product
  const cleanUps: (() => Promise<void> | void)[] = []
  const open = (pathname: string): string => `${product.wellKnown.portal}${pathname}`
  before(async () => {
    product = await startProduct(
      { after: (fn) => void cleanUps.push(fn) },
      {
        env: {
          WAYLEAVE_SSO_ISSUER: 'https://login.operator.example',
          WAYLEAVE_SSO_CLIENT_ID: 'wayleave',
          WAYLEAVE_SSO_CLIENT_SECRET: 'a secret of the identity provider',
          WAYLEAVE_SSO_DOMAINS: 'staff.operator.example',
          WAYLEAVE_SSO_ROLE_CLAIM: 'groups',
          WAYLEAVE_SSO_ROLES: 'wl-admins=administrator, wl-audit=auditor',
        },
      },
    )
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  const invite = async (page: Page, email: string, role: RegExp): Promise<void> => {
    await page.getByRole('button', { name: 'Invite a colleague' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('E-mail').fill(email)
    await dialog.getByLabel('Role').click()
    await page.getByRole('option', { name: role }).click()
    await dialog.getByRole('button', { name: 'Send invitation' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('row', { name: new RegExp(email) }).waitFor()
  }
  const changeRole = async (page: Page, who: RegExp, role: RegExp): Promise<void> => {
    await page.getByRole('row', { name: who }).getByRole('button', { name: 'Role' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Role').click()
    await page.getByRole('option', { name: role }).click()
    await dialog.getByRole('button', { name: 'Change role' }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  const remove = async (page: Page, who: RegExp): Promise<void> => {
    const row = page.getByRole('row', { name: who })
    await row.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click()
    await row.waitFor({ state: 'detached' })
  }

  test('staff is invited, joins by the mailed link, gets another role and is out when removed', async (t) => {
    const { page, complaints } = await openBrowser(t)
    const { page: other, complaints: othersComplaints } = await openBrowser(t)
    const link = /\S+\/console\/welcome\?token=\S+/.exec(product.output())?.[0]
    assert.ok(link, product.output())
    await page.goto(link)
    await page.getByLabel('Your name').fill('Grace Example')
    await page.getByLabel('E-mail').fill('grace@operator.example')
    await page.getByLabel(/^Password/).fill(password)
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByRole('link', { name: 'Staff' }).click()
    await invite(page, 'lin@operator.example', /^auditor/)
    assert.deepEqual(await violationsOf(page), [])
    await page.setViewportSize({ width: 390, height: 860 })
    const withdraw = page.getByRole('row', { name: /lin@/ }).getByRole('button').last()
    const box = await withdraw.boundingBox()
    assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 390, 'in sight on a phone')
    assert.deepEqual(await violationsOf(page), [])
    await page.getByRole('button', { name: 'Open the menu' }).click()
    await page.keyboard.press('Escape')
    assert.equal(
      await page.evaluate(() => document.activeElement?.getAttribute('aria-label')),
      'Open the menu',
    )
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.getByRole('link', { name: 'Single sign-on' }).click()
    await page.getByText('https://login.operator.example').waitFor()
    assert.deepEqual(await violationsOf(page), [])
    await page.getByRole('link', { name: 'Staff' }).click()

    const token = await mailedToken(product, 'lin@operator.example', 'console/accept-invitation')
    await other.goto(open(`/console/accept-invitation#token=${token}`))
    await other.getByLabel('Your name').fill('Lin Example')
    await other.getByLabel(/^Password/).fill('short')
    assert.deepEqual(await violationsOf(other), [])
    await other.getByLabel(/^Password/).fill(password)
    await other.getByRole('button', { name: 'Open the console' }).click()
    await other.waitForURL('**/console/partners')

    await other.getByRole('link', { name: 'APIs', exact: true }).click()
    await other
      .getByText('As auditor you may not publish APIs and their prices. Roles that may:')
      .waitFor()
    assert.equal(await other.getByRole('link', { name: 'Publish an API' }).count(), 0)
    await other.getByRole('link', { name: 'Staff' }).click()
    await other.getByText('As auditor you may not invite and remove staff').waitFor()
    await other.getByRole('link', { name: 'roles' }).click()
    await other.getByRole('heading', { name: 'Roles', exact: true }).waitFor()
    const may = other.getByRole('row', { name: /publish APIs and their prices/ })
    assert.deepEqual(
      await may.getByRole('img').evaluateAll((all) => all.map((one) => one.ariaLabel)),
      ['yes', 'yes', 'yes', 'no', 'no'],
    )
    assert.deepEqual(await violationsOf(other), [])

    const organisation = 'North Sea Bank'
    const owner = await signUp(product, { organisation })
    await other.goto(open('/console/nowhere'))
    await other.getByRole('heading', { name: 'There is no page here' }).waitFor()
    assert.deepEqual(await violationsOf(other), [])
    await other.getByRole('link', { name: 'Partners' }).click()
    await other.getByRole('link', { name: organisation }).click()
    const members = other.getByRole('region', { name: 'Table: Members' })
    await members.getByText(owner.email).waitFor()
    assert.equal(await members.getByRole('button').count(), 0, 'an auditor changes nothing')
    assert.deepEqual(await violationsOf(other), [])

    await page.reload()
    await changeRole(page, /Lin Example/, /^product/)
    await other.reload()
    await members.getByText('at sign-up').waitFor()
    assert.equal(await members.getByText(owner.email).count(), 0, 'not for this role')
    await other.goto(open('/console/apis'))
    await other.getByRole('link', { name: 'Publish an API' }).waitFor()
    // A page of others, by its address: it says whose it is, and asks nothing that would be refused.
    await other.goto(open('/console/evidence/leaves/0'))
    await other.getByText('As product you may not search evidence').waitFor()
    await other.getByRole('heading', { level: 1, name: 'Evidence' }).waitFor()
    assert.equal(await other.getByRole('button', { name: 'Try again' }).count(), 0)

    await remove(page, /Lin Example/)
    await other.goto(open('/console/apis'))
    await other.waitForURL('**/console/sign-in')
    assert.deepEqual(complaints, [])
    assert.deepEqual(
      othersComplaints.filter((one) => !one.includes('401')),
      [],
    )
  })

  test('a viewer sees who may change things, and a member who became a developer changes them', async (t) => {
    const { context, page, complaints } = await openBrowser(t)
    const owner = await signUp(product)
    const [name = '', value = ''] = owner.cookie.split('; ')[0]?.split('=') ?? []
    await context.addCookies([{ name, value, url: product.wellKnown.portal }])
    await page.goto(open('/app/members'))
    await invite(page, 'vera@example.com', /^viewer/)
    assert.deepEqual(await violationsOf(page), [])

    const { page: other } = await openBrowser(t)
    const token = await mailedToken(product, 'vera@example.com', 'accept-invitation')
    await other.goto(open(`/accept-invitation#token=${token}`))
    await other.getByLabel('Your name').fill('Vera Example')
    await other.getByLabel('Password').fill(password)
    await other.getByRole('button', { name: /join|accept/i }).click()
    await other.waitForURL('**/app')
    await other.getByRole('link', { name: 'Applications', exact: true }).first().click()
    await other
      .getByText('As viewer you may not create, rename and end applications. Roles that may:')
      .waitFor()
    await other.getByRole('table').getByRole('link').first().click()
    await other.getByText('As viewer you may not make and end credentials').waitFor()
    assert.equal(await other.getByRole('button', { name: 'Make a new secret' }).count(), 0)
    assert.equal(await other.getByLabel('Redirect addresses').isDisabled(), true)
    assert.deepEqual(await violationsOf(other), [])
    await other.goto(open('/app/roles'))
    await other.getByRole('heading', { name: 'Roles', exact: true }).waitFor()
    assert.deepEqual(await violationsOf(other), [])

    await page.reload()
    await changeRole(page, /Vera Example/, /^finance/)
    await other.goto(open('/app/applications'))
    assert.equal(await other.getByRole('link', { name: 'Received messages' }).count(), 0)
    await other.goto(open('/app/nowhere'))
    await other.getByRole('heading', { name: 'There is no page here' }).waitFor()
    await other.getByRole('link', { name: 'Applications', exact: true }).waitFor()
    await changeRole(page, /Vera Example/, /^developer/)
    await other.goto(open('/app/applications'))
    await other.getByRole('button', { name: 'Create application' }).waitFor()

    await remove(page, /Vera Example/)
    await other.goto(open('/app/applications'))
    await other.waitForURL('**/sign-in**')
    assert.deepEqual(complaints, [])
  })
})
