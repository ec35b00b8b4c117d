import { request as httpsRequest, type RequestOptions } from 'node:https'
import { makeCertificate, type TestCertificate } from '#platform/testing-certificates'
import type { Client } from './client-source.ts'
import { type Answer, claimsOf, sandboxId, testServers, testSettings } from './testing.ts'

/** What a connection is made with: the client's certificate, what it sends along, and anything of TLS. */
export type Shown = {
  certificate?: TestCertificate | undefined
  chain?: readonly TestCertificate[]
  tls?: RequestOptions
}

const server = await makeCertificate({ name: 'CN=localhost', dnsNames: ['localhost'] })

export const itself = ({ thumbprint }: TestCertificate, credentialId = 'crd_cert') => ({
  credentialId,
  thumbprint,
})

/** Two servers that take certificates, one application with these settings, and callers of both listeners. */
export async function testMutualTls(
  t: Parameters<typeof testServers>[0],
  settings: Partial<Client['settings']> = {},
  more: Parameters<typeof testServers>[1] = {},
) {
  const { env, server: options, ...rest } = more
  const made = await testServers(t, {
    ...rest,
    // The address that clients are told to show certificates at; the port is the test's own.
    env: { WAYLEAVE_AUTHORIZATION_TLS_URL: 'https://mtls.example', ...env },
    server: {
      tls: { certificate: { key: server.key, cert: server.pem }, port: 0 },
      ...options,
    },
  })
  const set = (change: Partial<Client['settings']>, more: Partial<Client> = {}): void =>
    made.clients.set(sandboxId, { settings: { ...testSettings, ...change }, ...more })
  set(settings)
  let turn = 0
  const portInTurn = () => made.servers[turn++ % made.servers.length]?.tlsPort()
  const secure = async (
    path: string,
    form: Record<string, string>,
    shown: Shown = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const {
      status,
      headers: fields,
      text,
    } = await secureCall(
      { method: 'POST', port: portInTurn(), path },
      shown,
      { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      new URLSearchParams(form).toString(),
    )
    return { status, headers: fields, body: JSON.parse(text) as Record<string, unknown> }
  }
  return { ...made, set, secure, portInTurn, alias: 'https://mtls.example/sandbox' }
}

/** One request over a connection of its own. */
export const secureCall = (
  where: RequestOptions,
  { certificate, chain = [], tls }: Shown,
  headers: Record<string, string>,
  body = '',
): Promise<{ status: number; headers: Answer['headers']; text: string }> =>
  new Promise((resolve, reject) => {
    const call = httpsRequest(
      {
        ...{ host: '127.0.0.1', ca: server.pem, servername: 'localhost', agent: false, headers },
        ...(certificate && {
          key: certificate.key,
          cert: certificate.pem + chain.map(({ pem }) => pem).join(''),
        }),
        ...where,
        ...tls,
      },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        )
      },
    )
    call.on('error', reject)
    call.end(body)
  })

/** The thumbprint of the certificate that a token is bound to. */
export const boundTo = (answer: Answer): unknown =>
  (claimsOf(answer).cnf as Record<string, unknown> | undefined)?.['x5t#S256']
