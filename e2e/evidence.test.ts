import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { ask } from '../test/support/partner-world.ts'
import { type Product, signUp, startProduct, until } from '../test/support/product.ts'
import { handsetOf } from '../test/support/subscriber.ts'
import { openBrowser, violationsOf } from './browser.ts'

const scope = 'location-verification:verify'
const purpose = 'dpv:FraudPreventionAndDetection'
const number = '+99010000001'
const cibaGrant = 'urn:openid:params:grant-type:ciba'

describe('an auditor asks why', () => {
  let product: Product
  let exchangeId = ''
  const cleanUps: (() => Promise<void> | void)[] = []
  const open = (pathname: string): string => `${product.wellKnown.portal}${pathname}`
  before(async () => {
    product = await startProduct({ after: (fn) => void cleanUps.push(fn) })
    exchangeId = await consentedCall(product)
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  test('the call is found by the number, told in one sentence, and its file verifies offline', async (t) => {
    const { page, complaints } = await openBrowser(t)
    await becomeOperator(product, page)
    await page.getByRole('link', { name: 'Evidence' }).click()
    await page.getByText('The log is what was signed').waitFor()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.getByLabel('Number').fill('+990 1000 0001')
    await page.getByRole('combobox', { name: 'Environment' }).click()
    await page.getByRole('option', { name: 'Sandbox' }).click()
    const row = page.getByRole('row', { name: /location-verification/ })
    // A call is evidence a second or two after its answer.
    await until(async () => {
      await page.getByRole('button', { name: 'Search' }).click()
      return (await row.count()) > 0
    }, 20_000)
    assert.ok(
      asked.every((url) => !url.includes(number.slice(1))),
      'the number is in no address',
    )
    await row.first().getByRole('link').click()
    await page.getByText(/It was answered because the subscriber had consented/).waitFor()
    await page.getByRole('heading', { name: 'What the subscriber was shown' }).waitFor()
    const text = (await page.locator('main').textContent()) ?? ''
    for (const fact of [purpose, 'consent', 'require-consent', exchangeId, 'Example Bank'])
      assert.ok(text.includes(fact), `${fact} in ${text}`)
    const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-why-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    for (const name of ['Download as a page', 'Download as JSON', 'The verifier']) {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name }).click(),
      ])
      await download.saveAs(path.join(folder, download.suggestedFilename()))
    }
    copyFileSync(
      path.join(product.dataDir, 'evidence', 'checkpoints.jsonl'),
      path.join(folder, 'checkpoints.jsonl'),
    )
    for (const file of [`evidence-${exchangeId}.html`, `evidence-${exchangeId}.json`]) {
      const args = ['verify.mjs', file, '--checkpoints', 'checkpoints.jsonl']
      const out = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
      assert.match(out, new RegExp(`^Verified: exchange ${exchangeId} is in leaf`))
      assert.ok(!out.includes(number), 'the number is in no file')
    }
    // The file itself, as a reader opens it.
    await page.goto(`file://${path.join(folder, `evidence-${exchangeId}.html`)}`)
    await page.getByText(/It was answered because the subscriber had consented/).waitFor()
    await look(page, 'evidence-file')
    // Axe is a script, which the page of a file does not let run.
    assert.deepEqual(
      complaints.filter((line) => !line.includes('file://')),
      [],
    )
  })

  test('its pages have no fault that axe sees, in light and dark, and fit on a phone', async (t) => {
    const faults: string[] = []
    const state = { cookies: [] as Awaited<ReturnType<typeof cookiesOf>> }
    for (const colorScheme of ['light', 'dark'] as const) {
      const { context, page } = await openBrowser(t, { colorScheme })
      if (state.cookies.length === 0) {
        await signInAgain(product, page)
        state.cookies = await cookiesOf(page)
      } else await context.addCookies(state.cookies)
      for (const [name, pathname, settled] of [
        ['evidence', '/console/evidence', 'The log is what was signed'],
        ['why', `/console/evidence/exchanges/${exchangeId}`, 'Proof'],
        ['leaf', '/console/evidence/leaves/0', 'Proof'],
        ['call', `/console/exchanges/${exchangeId}`, 'Why it was answered, with proof'],
      ] as const) {
        for (const width of [1440, 390]) {
          await page.setViewportSize({ width, height: 860 })
          await page.goto(open(pathname))
          await page.getByText(settled).first().waitFor()
          const found = await violationsOf(page)
          faults.push(...found.map((fault) => `${colorScheme} ${name} ${width}: ${fault}`))
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          if (over > 0) faults.push(`${colorScheme} ${name} is ${over} wider than ${width}`)
          await look(page, `${name}-${colorScheme}-${width}`)
        }
      }
    }
    assert.deepEqual(faults, [])
  })

  test('the console tells when the log is not what was exported, and when it is again', async (t) => {
    const { page } = await openBrowser(t)
    await signInAgain(product, page)
    const file = path.join(product.dataDir, 'evidence', 'checkpoints.jsonl')
    const before = readFileSync(file)
    const [line = ''] = before.toString().split('\n').filter(Boolean)
    appendFileSync(file, `${line.replace('wayleave-evidence/', 'wayleave-evidence/x')}\n`)
    await page.goto(open('/console/evidence'))
    await page.getByRole('alert').getByText('The log is not what was signed').waitFor()
    assert.deepEqual(await violationsOf(page), [])
    await look(page, 'alarm')
    writeFileSync(file, before)
    await page.reload()
    await page.getByText('The log is what was signed, and every place').waitFor()
  })
})

const password = 'violet harbour 58 lantern'
const email = 'grace@operator.example'

async function becomeOperator(product: Product, page: Page): Promise<void> {
  const link = /\S+\/console\/welcome\?token=\S+/.exec(product.output())?.[0]
  assert.ok(link, product.output())
  await page.goto(link)
  await page.getByLabel('Your name').fill('Grace Example')
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel(/^Password/).fill(password)
  await page.getByRole('button', { name: 'Open the console' }).click()
  await page.waitForURL(/\/console(?!\/welcome)/)
}

async function signInAgain(product: Product, page: Page): Promise<void> {
  await page.goto(`${product.wellKnown.portal}/console/sign-in`)
  await page.getByLabel('E-mail').fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL(/\/console\/(?!sign-in)/)
}

const cookiesOf = (page: Page) => page.context().cookies()

/** A screenshot for whoever asks for them. */
async function look(page: Page, name: string): Promise<void> {
  const folder = process.env.WAYLEAVE_SCREENSHOTS
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

/** A call that rests on a consent, which the subscriber gave by a link that came by message. @returns its id */
async function consentedCall(product: Product): Promise<string> {
  const { body, cookie } = await signUp(product)
  const { clientId, clientSecret } = body.credentials
  const settings = `/applications/${body.application.id}/authorization`
  const { revision } = (await ask(product, { cookie }, 'GET', settings)).body
  const grants = [{ grantType: cibaGrant, purpose, scopes: [scope] }]
  const set = await ask(product, { cookie }, 'PUT', settings, { revision, grants })
  assert.equal(set.status, 200, set.text)
  const { issuer } = product.wellKnown.environments.sandbox
  const post = async (to: string, fields: Record<string, string>) => {
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    const answer = await fetch(`${issuer}${to}`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams(fields),
    })
    return (await answer.json()) as Record<string, unknown>
  }
  const handset = await handsetOf(product, cookie, number)
  let asked: Record<string, unknown> = {}
  await until(async () => {
    asked = await post('/bc-authorize', {
      scope: `openid ${purpose} ${scope}`,
      login_hint: `tel:${number}`,
    })
    return asked.auth_req_id !== undefined
  }, 20_000)
  const link = await handset.latestLink()
  await handset.submit(await handset.get(link), '/consent', { answer: 'allow' })
  const tokens = await post('/token', {
    grant_type: cibaGrant,
    auth_req_id: String(asked.auth_req_id),
  })
  const answer = await fetch(
    `${product.wellKnown.environments.sandbox.gateway}/location-verification/v3/verify`,
    {
      method: 'POST',
      headers: {
        authorization: `Bearer ${String(tokens.access_token)}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        area: { areaType: 'CIRCLE', center: { latitude: 38.7, longitude: -9.1 }, radius: 50_000 },
      }),
    },
  )
  assert.equal(answer.status, 200, await answer.text())
  return answer.headers.get('x-exchange-id') ?? ''
}
