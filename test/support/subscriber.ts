import assert from 'node:assert/strict'
import { request } from 'undici'
import { ask, bodyAs } from './partner-world.ts'
import { type Product, until } from './product.ts'

/** As much of a subscriber's browser as the pages of the authorization servers need: cookies and forms. */
export function subscriberBrowser() {
  const cookies = new Map<string, string>()
  // Not `fetch`, which tells of itself that it is a program.
  const send = async (
    method: 'GET' | 'POST',
    url: string,
    headers: Record<string, string>,
    body: URLSearchParams | undefined,
  ) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await request(url, {
      method,
      headers: {
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...(cookie !== '' && { cookie }),
        ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      body: body?.toString() ?? null,
    })
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    const answeredAt = Date.now()
    const { location } = answer.headers
    const next = typeof location === 'string' ? new URL(location, url).href : undefined
    return { url, status: answer.statusCode, text: await answer.body.text(), next, answeredAt }
  }
  type Page = Awaited<ReturnType<typeof send>>
  const get = (url: string): Promise<Page> =>
    send('GET', url, { 'sec-fetch-site': 'none' }, undefined)
  /** Sends the form of a page whose action ends so, with what a person enters, and goes nowhere. */
  const post = async (
    page: Page,
    action: RegExp,
    entered: Record<string, string>,
  ): Promise<Page> => {
    const ends = new RegExp(`action="[^"]*${action.source}"`)
    const form = page.text.split('<form').find((text) => ends.test(text.split('>', 1)[0] ?? ''))
    assert.ok(form !== undefined, `a form to ${action.source} on ${page.url} (${page.status})`)
    const own = /action="([^"]*)"/.exec(form)?.[1] ?? ''
    const hidden = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
    const fields = new URLSearchParams(
      [...hidden].map(([, name = '', value = '']) => [name, value]),
    )
    for (const [name, value] of Object.entries(entered)) fields.set(name, value)
    const from = { origin: new URL(page.url).origin, 'sec-fetch-site': 'same-origin' }
    return await send('POST', new URL(own, page.url).href, from, fields)
  }
  return {
    get,
    post,
    /** The same, and goes where it leads. @returns that page, and when the form was answered */
    async submit(page: Page, action: string, entered: Record<string, string>): Promise<Page> {
      const answer = await post(page, new RegExp(RegExp.escape(action)), entered)
      const { next, answeredAt } = answer
      return next === undefined ? answer : { ...(await get(next)), answeredAt }
    },
  }
}

/** A browser that is the handset of a sandbox subscriber, and shows what the applications of a partner cause. */
export async function handsetOf(
  product: Pick<Product, 'wellKnown'>,
  partnerCookie: string,
  number: string,
) {
  const { issuer } = product.wellKnown.environments.sandbox
  const browser = subscriberBrowser()
  const opened = await ask(product, { cookie: partnerCookie }, 'POST', '/sandbox/handset')
  const ticket = await browser.get(bodyAs<{ url: string }>(opened).url)
  await browser.submit(await browser.get(ticket.next ?? ''), '/handset', { number })
  const latest = async (pattern: RegExp): Promise<string> => {
    let found: string | undefined
    await until(async () => {
      const page = await browser.get(`${issuer}/handset`)
      found = pattern.exec(page.text.split('id="messages"')[1] ?? '')?.[1]
      return found !== undefined
    }, 10_000)
    return found ?? ''
  }
  return {
    ...browser,
    latestCode: () => latest(/(\d{6}) is your code/),
    latestLink: () => latest(/href="([^"]*\/consent\?t=[^"]*)"/),
  }
}
