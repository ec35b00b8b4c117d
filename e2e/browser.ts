import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

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
    rmSync(profile, { recursive: true, force: true })
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
