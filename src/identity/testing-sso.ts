import { identityUnderTest } from './testing.ts'
import { type TestProvider, testProvider } from './testing-provider.ts'

type TestContext = Parameters<typeof identityUnderTest>[0]
export const domain = 'acme.example'

/** Where a browser is after a redirect, and what it was given. */
export type Landing = {
  status: number
  location: string
  cookie: string | undefined
  text: string
}

/** A partner whose owner has proved a domain and set up an identity provider for it. */
export async function partnerWithSso(
  t: TestContext,
  given: { setup?: Record<string, unknown>; env?: Record<string, string> } = {},
) {
  const provider = await testProvider(t)
  const records = new Map<string, string>()
  const under = await identityUnderTest(t, {
    records,
    env: { WAYLEAVE_EGRESS_NETWORKS: '127.0.0.0/8', ...given.env },
  })
  const owner = await under.member(`ada@${domain}`, { confirmed: true })
  const { cookie, partnerId } = owner
  const url = `/partners/${partnerId}/sso`
  const named = await under.call('POST', `${url}/domains`, { cookie, body: { domain } })
  records.set(named.body.record.name, named.body.record.value)
  await under.call('POST', `${url}/domains/${domain}/proof`, { cookie, body: {} })
  const setUp = (changes: Record<string, unknown> = {}, by = cookie) =>
    under.call('PUT', url, {
      cookie: by,
      body: {
        issuer: provider.issuer,
        clientId: provider.clientId,
        clientSecret: provider.clientSecret,
        mode: 'optional',
        roles: [],
        defaultRole: 'viewer',
        acrValues: [],
        secondFactor: 'provider',
        ...given.setup,
        ...changes,
      },
    })
  const done = await setUp()
  if (done.status !== 200) throw new Error(`no single sign-on: ${JSON.stringify(done.body)}`)
  return { ...under, provider, records, owner, url, setUp, ...browserOf(under, provider) }
}

export function browserOf(
  { base, call }: Pick<Awaited<ReturnType<typeof identityUnderTest>>, 'base' | 'call'>,
  provider: TestProvider,
) {
  /** Sends a browser to the provider. */
  const leave = async (email: string, body: Record<string, unknown> = {}) => {
    const answer = await call('POST', '/session/sso', { body: { email, ...body } })
    const [visit = ''] = answer.headers.getSetCookie().map((one) => one.split(';', 1)[0] ?? '')
    return { status: answer.status, url: String(answer.body?.url), visit }
  }
  /** Brings a browser back, as the provider redirects it. */
  const comeBack = async (back: URL, cookie: string): Promise<Landing> => {
    const response = await fetch(`${base}${back.pathname}${back.search}`, {
      headers: { cookie, 'sec-fetch-site': 'cross-site' },
      redirect: 'manual',
    })
    return {
      status: response.status,
      location: response.headers.get('location') ?? '',
      cookie: response.headers
        .getSetCookie()
        .map((one) => one.split(';', 1)[0] ?? '')
        .find((one) => one.includes('wayleave_session')),
      text: await response.text(),
    }
  }
  /** Signs somebody in whom the provider knows. */
  const signInAs = async (person: Record<string, unknown>, email = `x@${domain}`) => {
    provider.person = { auth_time: Math.floor(Date.now() / 1_000), ...person }
    const { url, visit } = await leave(email)
    return await comeBack(provider.authorize(url), visit)
  }
  return { leave, comeBack, signInAs }
}
