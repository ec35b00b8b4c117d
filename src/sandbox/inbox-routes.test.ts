import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { FastifyPluginAsync } from 'fastify'
import { createPartnerDirectory } from '#partners'
import { createAttempts } from '#platform/attempts'
import { manualClock } from '#platform/clock'
import { createHttpServer } from '#platform/http-server'
import { createMail } from '#platform/mail'
import { testPlatform } from '#platform/testing'
import { createIdentity } from '../identity/create-identity.ts'
import { insertApplication, insertPartner } from '../partners/store.ts'
import type { PartnerTables } from '../partners/tables.ts'
import { createSandboxInbox } from './create-sandbox-inbox.ts'
import { forgetSandboxMessages } from './forget-messages.ts'
import { magicNumbers } from './magic-numbers.ts'
import { addMessage, addOneTimePassword, findCodeState } from './store.ts'
import type { SandboxTables } from './tables.ts'

const phoneNumber = '+99010000001'
const system = { kind: 'system', id: 'test' } as const
type Reply = { status: number; body: { items: Record<string, unknown>[]; pagination: unknown } }

/** The inbox behind the real guard, with two partners that have an application and a token each. */
async function startInbox(t: TestContext) {
  const clock = manualClock('2026-05-01T10:00:00.000Z')
  const platform = await testPlatform(t, { clock })
  const identity = createIdentity(platform, {
    attempts: createAttempts(platform.database),
    isSuspended: async () => false,
    mail: createMail({
      smtpUrl: undefined,
      sender: 'test@localhost',
      folder: platform.config.dataDir,
      newName: () => platform.newId('message'),
    }),
  })
  const inbox = createSandboxInbox(platform, {
    partners: createPartnerDirectory(platform),
    handsetLink: (partnerId) => `http://localhost/handset?for=${partnerId}`,
  })
  const server = createHttpServer({ log: platform.log })
  void identity.guard(server)
  const mount: FastifyPluginAsync = async (scope) => {
    await inbox.routes(scope)
  }
  server.register(mount, { prefix: '/management/v1' })
  const base = await server.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => server.close())

  const call = async (method: string, url: string, token?: string, body?: unknown) => {
    const response = await fetch(`${base}/management/v1${url}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() } as Reply
  }
  const newPartner = async () => {
    const db = platform.database.as<PartnerTables>()
    const partnerId = platform.newId('partner')
    const applicationId = platform.newId('application')
    const createdAt = clock.now()
    await insertPartner(db, { id: partnerId, name: 'Acme', kind: 'organisation', createdAt })
    await insertApplication(db, {
      id: applicationId,
      partnerId,
      name: 'App',
      environment: 'sandbox',
      clientId: `wl_sbx_${applicationId.slice(4)}`,
      createdAt,
    })
    const created = { name: 'test', createdBy: system }
    const { token } = await identity.createToken({ role: 'partner', partnerId, ...created })
    return { applicationId, token }
  }
  const db = platform.database.as<SandboxTables>()
  const receive = (applicationId: string, text: string, to = phoneNumber) =>
    addMessage(db, {
      id: platform.newId('message'),
      applicationId,
      phoneNumber: to,
      text,
      receivedAt: clock.now(),
    })
  return { clock, platform, identity, call, newPartner, receive, db }
}

const path = '/sandbox/messages/retrieve'
const textsOf = (reply: Reply): unknown[] => reply.body.items.map(({ text }) => text)

test('a partner reads the messages of its own applications, newest first, by number and by page', async (t) => {
  const { call, clock, newPartner, receive } = await startInbox(t)
  const [acme, other] = [await newPartner(), await newPartner()]
  for (const text of ['one', 'two', 'three']) {
    clock.advance(1_000)
    await receive(acme.applicationId, text)
  }
  await receive(other.applicationId, 'not yours')
  await receive(acme.applicationId, 'elsewhere', '+99010000002')

  const all = await call('POST', path, acme.token, {})
  assert.deepEqual([all.status, all.body.items.length], [200, 4])
  assert.ok(!textsOf(all).includes('not yours'))
  const own = await call('POST', path, acme.token, {
    applicationId: acme.applicationId,
    phoneNumber,
  })
  assert.deepEqual(textsOf(own), ['three', 'two', 'one'])
  const second = await call('POST', `${path}?page=2&perPage=2`, acme.token, { phoneNumber })
  assert.deepEqual(textsOf(second), ['one'])
  const pagination = { page: 2, perPage: 2, totalCount: 3, totalPages: 2 }
  assert.deepEqual(second.body.pagination, pagination)
})

test("another partner's application is as if it did not exist", async (t) => {
  const { call, newPartner, receive, platform } = await startInbox(t)
  const [acme, other] = [await newPartner(), await newPartner()]
  await receive(other.applicationId, 'not yours')
  const foreign = await call('POST', path, acme.token, { applicationId: other.applicationId })
  const absent = await call('POST', path, acme.token, {
    applicationId: platform.newId('application'),
  })
  assert.equal(foreign.status, 404)
  assert.deepEqual(foreign.body, absent.body)
  assert.deepEqual((await call('POST', path, acme.token, {})).body.items, [])
})

test('messages are for partners only, and a query that is not understood is refused', async (t) => {
  const { call, identity, newPartner } = await startInbox(t)
  const acme = await newPartner()
  const operator = await identity.createToken({ role: 'operator', name: 'test', createdBy: system })
  assert.equal((await call('POST', path, undefined, {})).status, 401)
  assert.equal((await call('POST', path, operator.token, {})).status, 403)
  for (const body of [{ phoneNumber: '99010000001' }, { phone: 1 }, { applicationId: 1 }, []]) {
    assert.equal((await call('POST', path, acme.token, body)).status, 400, JSON.stringify(body))
  }
  assert.equal((await call('POST', `${path}?perPage=101`, acme.token, {})).status, 400)
  assert.equal((await call('POST', path, acme.token)).status, 400)
})

test('everybody may read the table of numbers', async (t) => {
  const { call } = await startInbox(t)
  const listed = await call('GET', '/sandbox/subscribers?perPage=100')
  assert.equal(listed.status, 200)
  assert.deepEqual(
    listed.body.items.map((item) => item.phoneNumber),
    magicNumbers.map((subscriber) => subscriber.phoneNumber),
  )
  for (const item of listed.body.items) assert.ok(String(item.behaviour).length > 10)
  assert.equal((await call('GET', '/sandbox/subscribers')).body.items.length, 20)
})

test('messages and codes are forgotten after seven days and not before', async (t) => {
  const { call, clock, db, newPartner, platform, receive } = await startInbox(t)
  const acme = await newPartner()
  await receive(acme.applicationId, 'old')
  const authenticationId = '3f1c7a52-90be-4c56-8d0a-5b7e2f6f1a90'
  const { applicationId } = acme
  const [sentAt, expiresAt] = [clock.now(), clock.now()]
  await addOneTimePassword(db, {
    authenticationId,
    applicationId,
    phoneNumber,
    code: '1',
    sentAt,
    expiresAt,
  })
  const week = 7 * 86_400_000
  clock.advance(week)
  await receive(acme.applicationId, 'new')
  await forgetSandboxMessages(platform.database, clock)
  assert.deepEqual(textsOf(await call('POST', path, acme.token, {})), ['new', 'old'])
  clock.advance(1)
  await forgetSandboxMessages(platform.database, clock)
  assert.deepEqual(textsOf(await call('POST', path, acme.token, {})), ['new'])
  assert.equal(await findCodeState(db, authenticationId, applicationId), undefined)
})

test('the handset is opened for the partner that asks, and for nobody else', async (t) => {
  const { call, identity, newPartner } = await startInbox(t)
  const acme = await newPartner()
  const opened = await call('POST', '/sandbox/handset', acme.token)
  assert.match(String((opened.body as unknown as { url: string }).url), /handset\?for=prt_/)
  const operator = await identity.createToken({ role: 'operator', name: 'test', createdBy: system })
  assert.equal((await call('POST', '/sandbox/handset', operator.token)).status, 403)
  assert.equal((await call('POST', '/sandbox/handset')).status, 401)
})
