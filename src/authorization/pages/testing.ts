import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'
import { testConsent } from '#consent/testing'
import type { Environment } from '#platform/config'
import type { EndpointPart } from '../grants/grant-part.ts'
import { createBodyReceiver } from '../receive-body.ts'
import type { HandsetMessage } from './handset-pages.ts'
import type { ShownUse } from './privacy-uses.ts'
import { createSubscriberPages } from './subscriber-pages.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

export type Sent = { phoneNumber: string; text: string; reader: { browser: string } }

/** The pages of both environments behind a listener as small as can be, on real consents. */
export async function testPages(t: TestContext, options: { messagesMissing?: string } = {}) {
  const consent = await testConsent(t)
  const { platform, directory } = consent
  const sent: Sent[] = []
  const messages: HandsetMessage[] = []
  const uses: ShownUse[] = []
  const made = (environment: Environment) =>
    createSubscriberPages(platform, environment, {
      consent: directory,
      ...options,
      sendMessage: async (phoneNumber, text, reader) =>
        void sent.push({ phoneNumber, text, reader }),
      mayServe: (number) => number.startsWith('+990') || number.startsWith('+44'),
      describe: async (records) =>
        records.map((record) => ({
          record,
          purpose: record.purpose,
          scopes: record.scopes,
          history: [{ at: record.createdAt, state: record.state }],
        })),
      exportOf: async (records) => records,
      usesOf: async () => uses,
      scopesOfApi: async (apiId) => [`${apiId.split('/')[0]}:check`],
      handsets: {
        subscribers: () => [
          { phoneNumber: '+99010000001', title: 'Settled', behaviour: 'nothing special' },
          { phoneNumber: '+99010000002', title: 'SIM swapped', behaviour: 'swapped' },
        ],
        messagesTo: async () => messages,
      },
    })
  const environments = { sandbox: made('sandbox'), production: made('production') }
  const table = new Map<string, EndpointPart>()
  for (const [environment, { endpoints }] of Object.entries(environments))
    for (const part of endpoints) table.set(`/${environment}${part.path}`, part)
  const bodies = createBodyReceiver({ most: 100, mostMs: 10_000 })
  const server = createServer((incoming, response) => {
    const part = table.get(incoming.url?.split('?', 1)[0] ?? '')
    if (part === undefined) return void response.writeHead(404).end()
    if (!part.methods.includes(incoming.method ?? '')) return void response.writeHead(405).end()
    const exchange = { request: incoming, response, correlator: 'test-correlator' }
    bodies
      .receive(incoming)
      .then(() => part.serve?.(exchange as Parameters<NonNullable<typeof part.serve>>[0]))
      .catch((error: unknown) => {
        const status = error instanceof Error && 'status' in error ? Number(error.status) : 500
        response.writeHead(status).end(String(error))
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const origin = new URL(platform.config.authorization.url).origin
  return {
    ...consent,
    environments,
    sent,
    messages,
    uses,
    origin,
    browser: (own: Record<string, string> = {}) => createBrowser(base, origin, own),
  }
}

export type TestAnswer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** As much of a browser as these pages need: cookies, fetch metadata, forms that are sent as they stand. */
function createBrowser(base: string, origin: string, own: Record<string, string>) {
  const cookies = new Map<string, string>()
  const send = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<TestAnswer> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await request(`${base}${path.replace(origin, '')}`, {
      method: method as 'GET',
      headers: {
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        ...(cookie === '' ? {} : { cookie }),
        ...own,
        ...headers,
      },
      body: body ?? null,
    })
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  return {
    cookies,
    get: (path: string, headers: Record<string, string> = {}) =>
      send('GET', path, { 'sec-fetch-site': 'none', ...headers }),
    head: (path: string) => send('HEAD', path, {}),
    post: (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
      send(
        'POST',
        path,
        {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
          origin,
          ...headers,
        },
        new URLSearchParams(fields).toString(),
      ),
  }
}

const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39|#96);/g, (_, name: string) => entities[name] ?? '')

const entities: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#96': '`',
}

/** The hidden fields of the form that posts to this path. */
export function fieldsOf(page: TestAnswer, action: string): Record<string, string> {
  const forms = page.text.split('<form').slice(1)
  const form = forms.find((text) => unescaped(text.split('>', 1)[0] ?? '').includes(`${action}"`))
  if (form === undefined) throw new Error(`no form to ${action} on the page: ${page.text}`)
  const inputs = (form.split('</form>', 1)[0] ?? '').matchAll(
    /<input type="hidden" name="([^"]*)" value="([^"]*)">/g,
  )
  return Object.fromEntries(
    [...inputs].map(([, name = '', value = '']) => [unescaped(name), unescaped(value)]),
  )
}
