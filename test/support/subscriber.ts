import assert from 'node:assert/strict'
import { request } from 'undici'

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
  return {
    get,
    /**
     * Sends the form of a page whose action ends so, with what a person enters, and goes where it leads.
     * @returns that page, and when the form was answered
     */
    async submit(page: Page, action: string, entered: Record<string, string>): Promise<Page> {
      const form = page.text
        .split('<form')
        .find((text) => new RegExp(`action="[^"]*${action}"`).test(text.split('>', 1)[0] ?? ''))
      assert.ok(form !== undefined, `a form to ${action} on ${page.url} (${page.status})`)
      const own = /action="([^"]*)"/.exec(form)?.[1] ?? ''
      const fields = new URLSearchParams()
      for (const [, name = '', value = ''] of form.matchAll(
        /<input type="hidden" name="([^"]*)" value="([^"]*)">/g,
      ))
        fields.set(name, value)
      for (const [name, value] of Object.entries(entered)) fields.set(name, value)
      const from = { origin: new URL(page.url).origin, 'sec-fetch-site': 'same-origin' }
      const answer = await send('POST', new URL(own, page.url).href, from, fields)
      const { next, answeredAt } = answer
      return next === undefined ? answer : { ...(await get(next)), answeredAt }
    },
    cookies,
  }
}
