import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { mailedToken } from '../test/support/partner-world.ts'
import { type Product, startProduct } from '../test/support/product.ts'
import { openBrowser, violationsOf } from './browser.ts'

const password = 'violet harbour 58 lantern'

describe('erasures in a browser', () => {
  let product: Product
  const cleanUps: (() => Promise<void> | void)[] = []
  const open = (pathname: string): string => `${product.wellKnown.portal}${pathname}`
  before(async () => {
    product = await startProduct({ after: (fn) => void cleanUps.push(fn) })
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  test('one colleague asks, cannot confirm, and another one does', async (t) => {
    const { page, complaints } = await openBrowser(t)
    const { page: other } = await openBrowser(t, { colorScheme: 'dark' })
    const link = /\S+\/console\/welcome\?token=\S+/.exec(product.output())?.[0]
    assert.ok(link, product.output())
    await page.goto(link)
    await page.getByLabel('Your name').fill('Grace Example')
    await page.getByLabel('E-mail').fill('grace@operator.example')
    await page.getByLabel(/^Password/).fill(password)
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByRole('link', { name: 'Staff' }).click()
    await page.getByRole('button', { name: 'Invite a colleague' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('E-mail').fill('lin@operator.example')
    await dialog.getByLabel('Role').click()
    await page.getByRole('option', { name: /^partner success/i }).click()
    await dialog.getByRole('button', { name: 'Send invitation' }).click()
    await dialog.waitFor({ state: 'detached' })

    await page.getByRole('link', { name: 'Erasures' }).click()
    await page.getByText('Nobody has asked to be forgotten.').waitFor()
    await page.getByLabel('Number').fill('12')
    await page.getByLabel('Why').fill('letter 17')
    await page.getByRole('button', { name: 'Ask for an erasure' }).click()
    await page.getByText(/international format/).waitFor()
    await page.getByLabel('Number').fill('+990 100 00001')
    await page.getByRole('button', { name: 'Ask for an erasure' }).click()
    const row = page.getByRole('row', { name: /letter 17/ })
    await row.getByText('waits for a second person').waitFor()
    await row.getByText('A colleague confirms.').waitFor()
    assert.equal(await row.getByRole('button', { name: 'Confirm' }).count(), 0)
    assert.deepEqual(await violationsOf(page), [])

    const token = await mailedToken(product, 'lin@operator.example', 'console/accept-invitation')
    await other.goto(open(`/console/accept-invitation#token=${token}`))
    await other.getByLabel('Your name').fill('Lin Example')
    await other.getByLabel(/^Password/).fill(password)
    await other.getByRole('button', { name: 'Open the console' }).click()
    await other.waitForURL('**/console/partners')
    await other.goto(open('/console/erasures'))
    await other.getByRole('button', { name: 'Confirm' }).click()
    await other.getByRole('dialog').getByText('Nobody can bring it back.').waitFor()
    assert.deepEqual(await violationsOf(other), [])
    await other.getByRole('dialog').getByRole('button', { name: 'Erase' }).click()
    await other.getByText('nothing was known of them').waitFor()
    assert.deepEqual(
      complaints.filter((one) => !one.includes('400')),
      [],
    )
  })
})
