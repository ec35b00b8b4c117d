import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import axe from 'axe-core'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { removeFolder } from '#platform/testing-folder'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Debian's Chromium with an empty profile; what a page complains about is kept, so that a test can refuse it. */
export async function openBrowser(
  t: TestContext,
  options: { colorScheme?: 'light' | 'dark'; javaScriptEnabled?: boolean } = {},
): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
  const profile = mkdtempSync(path.join(tmpdir(), 'wayleave-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    args: flags,
    headless: true,
    viewport: { width: 1280, height: 900 },
    ...options,
  })
  t.after(async () => {
    await context.close()
    await removeFolder(profile)
  })
  const page = context.pages()[0] ?? (await context.newPage())
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error')
      complaints.push(`console: ${message.text()} (${message.location().url})`)
  })
  page.on('request', (request) => {
    const { hostname } = new URL(request.url())
    if (hostname !== 'localhost' && !request.url().startsWith('data:'))
      complaints.push(`asked elsewhere: ${request.url()}`)
  })
  page.setDefaultTimeout(15_000)
  return { context, page, complaints }
}

/** What axe finds against WCAG 2.2 AA on the page as it is. */
export async function violationsOf(page: Page): Promise<string[]> {
  // Colours of a dialog that is just fading in are of no moment that anybody reads.
  await page.evaluate(async () => {
    const frame = () =>
      new Promise((resolve) => {
        requestAnimationFrame(resolve)
      })
    for (let i = 0; i < 3; i += 1) await frame()
    const ending = document
      .getAnimations()
      .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
    await Promise.allSettled(ending.map((one) => one.finished))
  })
  await page.evaluate(axe.source)
  return await page.evaluate(async () => {
    const { violations } = await (
      globalThis as unknown as {
        axe: {
          run: (
            context: unknown,
            options: unknown,
          ) => Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }>
        }
      }
    ).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(' ')}`),
    )
  })
}
