import { execFileSync } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import path from 'node:path'
import { createHttpServer } from '#platform/http-server'
import { testDispatcher, testPlatform } from '#platform/testing'
import { mountRoutes, wireControl } from '../compose/run-control.ts'

type TestContext = { after: (close: () => Promise<void>) => unknown }

/** What a stand-in of another process was asked. */
export type Seen = {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** What tests read of an answer; anything else that it holds is unknown. */
export type JsonBody = {
  readonly [name: string]: unknown
  code: string
  as: string
  curl: string
  token: { status: number; error?: string }
  call: { status: number; correlator: string; exchangeId: string; body: string }
  partner: { id: string }
  application: { id: string }
  credentials: { clientId: string; clientSecret: string }
  violations: { path: string; message: string }[]
}

type Behaviour = (seen: Seen, response: ServerResponse) => void

/**
 * The whole control side over HTTP with the operator pack published, and stand-ins for the two other processes that the
 * explorer calls: what they are asked is kept, what they answer can be changed.
 */
export async function portalUnderTest(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const closing: (() => Promise<unknown>)[] = []
  t.after(async () => {
    for (const close of closing.toReversed()) await close()
  })
  const last = {
    after: (close: () => Promise<unknown> | undefined) => {
      closing.push(async () => await close())
    },
  }
  const platform = await testPlatform(last as Parameters<typeof testPlatform>[0], { env })
  const { config } = platform
  execFileSync(process.execPath, [path.join(config.root, 'bin/build-web.mjs'), '--if-needed'])
  const control = wireControl(platform)
  const server = createHttpServer({ log: platform.log })
  await mountRoutes(server, platform, control)
  testDispatcher(last as Parameters<typeof testPlatform>[0], platform, [
    control.audit.subscriber,
    ...control.identity.subscribers,
    ...control.contracts.subscribers,
    control.compiler.subscriber,
  ])
  await control.contracts.prepare()
  await control.catalog.loadPack(path.join(config.root, 'catalog'))
  last.after(() => control.catalog.close())
  await server.listen({ port: config.portal.port, host: '127.0.0.1' })
  last.after(() => server.close())
  const issuer = await standIn(last, config.authorization.port, (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        access_token: 'secret-token-0123456789',
        token_type: 'Bearer',
        expires_in: 600,
        scope: 'sim-swap:check',
      }),
    )
  })
  const gateway = await standIn(last, config.gateways.sandbox.port, (seen, response) => {
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'x-correlator': String(seen.headers['x-correlator']),
        'x-exchange-id': 'exc_00000000000000000001',
      })
      .end('{"swapped":false}')
  })
  const base = `http://127.0.0.1:${config.portal.port}`
  const get = (address: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(base + address, { headers, redirect: 'manual' })
  const post = async (
    address: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: JsonBody; headers: Headers }> => {
    const response = await fetch(`${base}/management/v1${address}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: config.portal.url, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: (text === '' ? undefined : JSON.parse(text)) as JsonBody,
      headers: response.headers,
    }
  }
  let people = 0
  const signUp = async () => {
    people += 1
    const answer = await post('/registrations', {
      organisation: `Organisation ${people}`,
      name: 'Ada Example',
      email: `ada${people}@example.com`,
      password: 'violet harbour 58 lantern',
    })
    const cookie = answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    return { cookie, ...answer.body }
  }
  return { platform, control, base, get, post, signUp, issuer, gateway }
}

async function standIn(
  t: { after: (close: () => Promise<unknown>) => void },
  port: number,
  usual: Behaviour,
): Promise<{ seen: Seen[]; behave: (behaviour: Behaviour) => void }> {
  const seen: Seen[] = []
  let behaviour = usual
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      }
      seen.push(one)
      behaviour(one, response)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(port, 'localhost', resolve)
  })
  t.after(
    () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  )
  return {
    seen,
    behave(next) {
      behaviour = next
    },
  }
}
