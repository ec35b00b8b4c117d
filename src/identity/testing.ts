import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Transaction } from 'kysely'
import { createAudit } from '#audit'
import { createAttempts } from '#platform/attempts'
import type { Clock } from '#platform/clock'
import { createHttpServer, type HttpServer } from '#platform/http-server'
import { createMail, type MailMessage } from '#platform/mail'
import type { Platform } from '#platform/module'
import { testDispatcher, testPlatform } from '#platform/testing'
import { createIdentity, type Identity } from './create-identity.ts'
import { requireRole } from './require-permission.ts'
import type { PartnerRole } from './schema.ts'

type TestContext = Parameters<typeof testPlatform>[0]

export const goodPassword = 'violet harbour 58 lantern'

type Some<T> = [T, ...T[]]

/** What tests read of answers; anything else that one holds is unknown. */
export type AnswerBody = {
  readonly [name: string]: unknown
  id: string
  kind: string
  name: string
  email: string
  role: string
  state: string
  code: string
  message: string
  partnerId: string
  token: string
  ticket: string
  secret: string
  uri: string
  url: string
  expiresAt: string
  createdAt: string
  freshUntil: string
  methods: string[]
  recoveryCodes: Some<string>
  permissions: string[]
  passkeys: Some<Item>
  items: Some<Item>
  violations: Some<{ path: string; message: string }>
  qr: { size: number; path: string }
  pagination: { totalCount: number }
  /** of a passkey that is to be made or shown */
  challenge: string
  user: { id: string }
  rp: { id: string }
  authenticatorSelection: { residentKey: string; userVerification: string }
  allowCredentials: { id: string }[]
  excludeCredentials: { id: string }[]
  /** of single sign-on */
  provider: { readonly [name: string]: unknown; fault: { reason: string } }
  signOutUrl: string
  record: { name: string; value: string }
}

/** One of a list, of whatever the list is of. */
type Item = {
  readonly [name: string]: unknown
  id: string
  name: string
  email: string
  role: string
  state: string
  action: string
  target: string
  device: string
  current: boolean
  synced: boolean
  createdBy: string
}

export type Answer = {
  status: number
  body: AnswerBody
  headers: Headers
  /** the session, as a browser would send it again */
  cookie: string | undefined
  /** by which the browser is known the next time */
  device: string | undefined
}

export type CallOptions = {
  body?: unknown
  cookie?: string | undefined
  token?: string | undefined
  headers?: Record<string, string>
  /** false: as a program that names no origin */
  origin?: string | false
}

/** The management API of identity and audit over real HTTP, with mail in files and the outbox running. */
export async function identityUnderTest(
  test: TestContext,
  options: {
    clock?: Clock
    env?: Record<string, string>
    extra?: (server: HttpServer) => void
    /** TXT records in the DNS, by their names */
    records?: ReadonlyMap<string, string>
    /** sees each mail while it is being sent */
    whileSending?: (message: MailMessage) => Promise<void>
    isSuspended?: (partnerId: string) => Promise<boolean>
  } = {},
) {
  const t = lastFirst(test)
  const platform = await testPlatform(t, options)
  const folder = path.join(platform.config.dataDir, 'mail')
  const mail = createMail({
    smtpUrl: undefined,
    sender: 'test@localhost',
    folder,
    newName: () => platform.newId('message'),
  })
  const isSuspended = options.isSuspended ?? (() => Promise.resolve(false))
  const resolveTxt = async (name: string) => {
    const record = options.records?.get(name)
    return record === undefined ? [] : [[record]]
  }
  const identity = createIdentity(platform, {
    isSuspended,
    resolveTxt,
    attempts: createAttempts(platform.database),
    mail: {
      async send(message) {
        await options.whileSending?.(message)
        await mail.send(message)
      },
    },
  })
  const audit = createAudit(platform)
  const listen = async (node: Identity): Promise<string> => {
    const server = createHttpServer({ log: platform.log })
    void node.guard(server)
    const mount: FastifyPluginAsync = async (scope) => {
      await node.routes(scope as unknown as HttpServer)
      await audit.routes(scope as unknown as HttpServer)
      options.extra?.(scope as unknown as HttpServer)
    }
    await server.register(mount, { prefix: '/management/v1' })
    const address = await server.listen({ port: 0, host: '127.0.0.1' })
    t.after(() => server.close())
    return address
  }
  const base = await listen(identity)
  testDispatcher(t, platform, [...identity.subscribers, audit.subscriber])
  const call = callerOf(base, platform.config.portal.url)
  /** The same installation, answered by a node that shares nothing with the first one but the database. */
  const anotherNode = async () => {
    const attempts = createAttempts(platform.database)
    const node = createIdentity(platform, { attempts, mail, isSuspended, resolveTxt })
    return callerOf(await listen(node), platform.config.portal.url)
  }
  return {
    platform,
    identity,
    audit,
    base,
    call,
    anotherNode,
    ...mailbox(folder),
    ...people(platform, identity, call),
  }
}

/** What the guard asks of the role of a caller, for a server whose test says itself who calls. */
export function refuseByRole(request: FastifyRequest): void {
  const { access } = request.routeOptions.config
  if (access !== undefined && access !== 'public') requireRole(request.actor, access)
}

/** Asks the management API at an address, as the portal's pages do unless told otherwise. */
function callerOf(base: string, portalUrl: string) {
  return async (method: string, url: string, given: CallOptions = {}): Promise<Answer> => {
    const headers: Record<string, string> = { ...given.headers }
    if (given.body !== undefined) headers['content-type'] = 'application/json'
    if (given.cookie !== undefined) headers.cookie = given.cookie
    if (given.token !== undefined) headers.authorization = `Bearer ${given.token}`
    if (given.origin !== false) headers.origin = given.origin ?? portalUrl
    const response = await fetch(`${base}/management/v1${url}`, {
      method,
      headers,
      ...(given.body !== undefined && { body: JSON.stringify(given.body) }),
    })
    const text = await response.text()
    const set = response.headers.getSetCookie().map((one) => one.split(';', 1)[0] ?? '')
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      headers: response.headers,
      cookie: set.find((one) => one.includes('wayleave_session')),
      device: set.find((one) => one.includes('wayleave_device')),
    }
  }
}

/** What was opened last is closed first: nothing may still ask a database that is gone. */
function lastFirst(test: TestContext): TestContext {
  const closing: (() => Promise<void> | void)[] = []
  test.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  return {
    after: (close) => {
      closing.push(close)
    },
  }
}

function mailbox(folder: string) {
  /** All mail to an address so far. */
  const mailTo = async (email: string): Promise<string[]> => {
    const names = await readdir(folder).catch(() => [])
    const texts = await Promise.all(
      names.sort().map((name) => readFile(path.join(folder, name), 'utf8')),
    )
    return texts.filter((text) => text.includes(`\nTo: ${email}\n`))
  }
  /** The token of the newest link to this page that an address was sent; waits until there are `count` of them. */
  const linkTo = async (email: string, page: string, count = 1): Promise<string> => {
    const until = performance.now() + 30_000
    for (;;) {
      const pattern = new RegExp(`/${page}#token=([\\w-]+)`)
      const tokens = (await mailTo(email)).flatMap((text) => pattern.exec(text)?.[1] ?? [])
      const last = tokens.at(-1)
      if (tokens.length >= count && last !== undefined) return last
      if (performance.now() > until) throw new Error(`no mail with /${page} to ${email}`)
      await new Promise((resolve) => {
        setTimeout(resolve, 10)
      })
    }
  }
  return { mailTo, linkTo }
}

function people(
  platform: Platform,
  identity: Identity,
  call: (method: string, url: string, given?: CallOptions) => Promise<Answer>,
) {
  /** A member as a registration makes one, signed in. */
  const member = async (
    email: string,
    given: { partnerId?: string; role?: PartnerRole; password?: string; confirmed?: true } = {},
  ) => {
    const memberId = platform.newId('member')
    const partnerId = given.partnerId ?? platform.newId('partner')
    const password = given.password ?? goodPassword
    const passwordHash = await identity.hashPassword({ email, password })
    await platform.database
      .as<unknown>()
      .transaction()
      .execute((trx: Transaction<unknown>) =>
        identity.createMember(trx, {
          memberId,
          partnerId,
          name: 'Ada Lovelace',
          email,
          passwordHash,
          role: given.role ?? 'owner',
        }),
      )
    if (given.confirmed === true)
      await platform.database.pool.query(
        'update identity.person set email_verified_at = created_at where id = $1',
        [memberId],
      )
    const cookie = await signIn(email, password)
    return { memberId, partnerId, email, cookie }
  }
  const signIn = async (email: string, password = goodPassword): Promise<string> => {
    const answer = await call('POST', '/session', { body: { email, password } })
    if (answer.cookie === undefined) throw new Error(`sign-in failed: ${answer.status}`)
    return answer.cookie
  }
  const operator = async (email = 'op@operator.example') => {
    const link = await identity.firstOperatorLink()
    const token = new URL(link ?? '').searchParams.get('token') ?? ''
    const answer = await call('POST', '/operators/first', {
      body: { token, name: 'Grace Hopper', email, password: goodPassword },
    })
    if (answer.cookie === undefined) throw new Error(`no operator: ${answer.status}`)
    return { id: String(answer.body.id), email, cookie: answer.cookie }
  }
  return { member, signIn, operator }
}
