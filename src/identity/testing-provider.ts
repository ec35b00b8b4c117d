import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/** An identity provider that does whatever a test tells it to. */
export type TestProvider = {
  issuer: string
  clientId: string
  clientSecret: string
  /** claims of whoever signs in next; undefined leaves one out */
  person: Record<string, unknown>
  /** what is put over the discovery document */
  metadata: Record<string, unknown>
  /** makes the ID token instead */
  sign: ((claims: JWTPayload) => Promise<string> | string) | undefined
  /** answers instead of the provider, when it says that it did */
  answer: (request: IncomingMessage, response: ServerResponse) => boolean
  /** what a browser is redirected to, from where it was sent */
  authorize(url: string): URL
  /** forms that the token endpoint was sent */
  redeemed: URLSearchParams[]
  publicKey: CryptoKey
  privateKey: CryptoKey
}

/** Runs it on this machine, by http. */
export async function testProvider(t: TestContext): Promise<TestProvider> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] }
  const asked = new Map<string, URLSearchParams>()
  const server = createServer((request, response) => {
    void serve(request, response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider: TestProvider = {
    issuer,
    clientId: 'wayleave',
    clientSecret: 'a secret of the provider',
    person: {},
    metadata: {},
    sign: undefined,
    answer: () => false,
    redeemed: [],
    publicKey,
    privateKey,
    authorize(url) {
      const { searchParams } = new URL(url)
      const code = `code-${asked.size}`
      asked.set(code, searchParams)
      const back = new URL(searchParams.get('redirect_uri') ?? '')
      back.searchParams.set('code', code)
      back.searchParams.set('state', searchParams.get('state') ?? '')
      back.searchParams.set('iss', issuer)
      return back
    },
  }
  const discovery = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    end_session_endpoint: `${issuer}/end`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    authorization_response_iss_parameter_supported: true,
    ...provider.metadata,
  })
  const idToken = async (code: string): Promise<string> => {
    const now = Math.floor(Date.now() / 1_000)
    const claims: JWTPayload = {
      iss: issuer,
      aud: provider.clientId,
      nonce: asked.get(code)?.get('nonce') ?? undefined,
      iat: now,
      exp: now + 300,
      ...provider.person,
    }
    if (provider.sign !== undefined) return await provider.sign(claims)
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(privateKey)
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (provider.answer(request, response)) return
    const answer = (body: unknown): void => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    switch (request.url) {
      case '/.well-known/openid-configuration':
        answer(discovery())
        return
      case '/jwks':
        answer(jwks)
        return
      case '/token': {
        const parts: Buffer[] = []
        for await (const part of request) parts.push(part as Buffer)
        const form = new URLSearchParams(Buffer.concat(parts).toString())
        provider.redeemed.push(form)
        const id = await idToken(form.get('code') ?? '')
        answer({ access_token: 'opaque', token_type: 'Bearer', id_token: id })
        return
      }
      default:
        response.statusCode = 404
        response.end()
    }
  }
  return provider
}
