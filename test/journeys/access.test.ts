import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { createHttpServer, type HttpServer } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { testPlatform } from '#platform/testing'
import { mountRoutes, wireControl } from '../../src/compose/run-control.ts'
import {
  type AccessWorld,
  accessTable,
  type CallerName,
  callers,
  type Ids,
  partnerRoles,
  type Row,
} from '../support/access-table.ts'
import { createAccessWorld } from '../support/access-world.ts'
import { type Answer, ask, bodyAs } from '../support/partner-world.ts'
import { startProduct } from '../support/product.ts'

const prefix = '/management/v1'
const isPartner = (name: CallerName): boolean =>
  name === 'partner token' || (partnerRoles as readonly string[]).includes(name)

/** What a caller is answered, and why it is refused where it is. */
function expectedOf(row: Row, name: CallerName): { status: number; code?: string; says?: RegExp } {
  const { who, ok } = row
  const given = row.but?.[name] ?? ok
  if (who === 'everybody') return { status: name === 'foreign' ? (row.foreign ?? ok) : given }
  const refused = (says: RegExp) => ({ status: 403, code: 'PERMISSION_DENIED', says })
  const token = /not with an API token/
  const rolesSaid = (roles: readonly string[]) =>
    new RegExp(`Roles that may: ${roles.join(', ')}\\.$`)
  switch (name) {
    case 'anonymous':
      return { status: 401, code: 'UNAUTHENTICATED' }
    case 'foreign':
      if (who.partner.length === 0) return refused(/^Only the staff of the operator may /)
      return { status: row.foreign ?? 404 }
    case 'suspended':
      if (who.partner.length === 0) return refused(/^Only the staff/)
      return who.active === true ? refused(/has suspended your organisation/) : { status: 0 }
    case 'factorless':
      if (who.operator.length === 0) return refused(/^Only a member of a partner may /)
      return who.withoutFactor === true
        ? { status: 0 }
        : { status: 403, code: 'SECOND_FACTOR_REQUIRED' }
    case 'partner token':
      if (who.partner.length === 0) return refused(/^Only the staff/)
      return who.person === true ? refused(token) : { status: given }
    case 'narrow token':
      if (row.narrow === true) return { status: given }
      return refused(/was not made to .*: it has not the scope /)
    case 'operator token':
      if (who.operator.length === 0) return refused(/^Only a member/)
      return who.person === true ? refused(token) : { status: given }
    default: {
      const roles: readonly string[] = isPartner(name) ? who.partner : who.operator
      if (roles.includes(name)) return { status: given }
      if (roles.length > 0) return refused(rolesSaid(roles))
      return refused(isPartner(name) ? /^Only the staff/ : /^Only a member/)
    }
  }
}

/** An id of the same kind that nothing has; an agreement is nobody's own. */
const absentOf = (ids: Ids): Ids =>
  Object.fromEntries(
    Object.entries(ids).map(([name, id]) => [
      name,
      name === 'agreement' ? id : id.replace(/_.{20}$/, '_00000000000000000000'),
    ]),
  ) as Ids

type Documented = { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> }
type SchemaOf = (status: number, form: string | undefined) => ValidateFunction | undefined

describe('who may do what, over every route of the management API', () => {
  let world: AccessWorld
  let documented: Map<string, SchemaOf>
  const cleanUps: (() => Promise<void> | void)[] = []
  before(async () => {
    const product = await startProduct(
      { after: (fn) => void cleanUps.push(fn) },
      { env: { WAYLEAVE_STAFF_SECOND_FACTOR: 'require' } },
    )
    documented = validators(bodyAs<Documented>(await ask(product, {}, 'GET', '/openapi.json')))
    world = await createAccessWorld(product)
  })
  after(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  })

  test('every documented route is in the table, and every row is a documented route', () => {
    assert.deepEqual([...documented.keys()].sort(), Object.keys(accessTable).sort())
  })

  for (const [route, row] of Object.entries(accessTable)) {
    const [method = '', template = ''] = route.split(' ')
    const send = (name: CallerName, ids: Ids): Promise<Answer> =>
      world.ask(world.who[name], method, row.path?.(ids) ?? template, row.body?.(ids))

    test(route, async () => {
      const check = async (name: CallerName): Promise<void> => {
        const expected = expectedOf(row, name)
        const refused = expected.status === 401 || expected.status === 403
        const ids = name === 'suspended' ? world.suspendedIds : { ...world.ids }
        if (!refused && name !== 'suspended') Object.assign(ids, await row.fresh?.(world))
        const answer = await send(name, ids)
        const told = `${name}: ${answer.status} ${answer.text.slice(0, 300)}`
        isAsDocumented(answer, documented.get(route))
        if (expected.status === 0)
          assert.doesNotMatch(answer.text, /has suspended your|asks its staff for/, told)
        else assert.equal(answer.status, expected.status, told)
        if (expected.code !== undefined) assert.equal(answer.body.code, expected.code, told)
        if (expected.says !== undefined) assert.match(answer.body.message, expected.says, told)
        if (name === 'foreign') isAsForAbsent(answer, await send(name, absentOf(ids)), ids, row)
      }
      await Promise.all(callers.map(check))
    })
  }
})

/** All routes of control on a server that listens nowhere. */
async function mounted(
  t: { after: (fn: () => Promise<void>) => void },
  platform: Platform,
  server: HttpServer,
): Promise<void> {
  const control = wireControl(platform)
  await mountRoutes(server, platform, control)
  await server.ready()
  t.after(async () => {
    await server.close()
    await control.catalog.close()
  })
}

test('the document names the form of each answer, and credentials that can be good for it', async (t) => {
  const platform = await testPlatform(t)
  const server = createHttpServer({ log: platform.log })
  await mounted(t, platform, server)
  type Operation = Documented['paths'][string][string] & { security: Record<string, unknown>[] }
  const { paths } = JSON.parse(JSON.stringify((server as unknown as Swagger).swagger())) as {
    paths: Record<string, Record<string, Operation>>
  }
  const forms: Record<string, string[]> = {}
  for (const [address, methods] of Object.entries(paths)) {
    for (const [method, { responses, security }] of Object.entries(methods)) {
      const route = `${method.toUpperCase()} ${address.slice(prefix.length)}`
      for (const [status, response] of Object.entries(responses)) {
        const { content } = response as { content?: object }
        if (content === undefined) continue
        const named = Object.keys(content)
        if (!/^2/.test(status)) assert.deepEqual(named, ['application/json'], `${route} ${status}`)
        else if (named.join() !== 'application/json') forms[route] = named
      }
      const who = accessTable[route]?.who
      if (who === undefined || who === 'everybody') continue
      assert.equal(security.length, who.person === true ? 1 : 2, route)
    }
  }
  assert.deepEqual(forms, {
    'GET /apis/{apiName}/versions/{version}/openapi': ['application/yaml', 'application/json'],
    'GET /evidence/exchanges/{exchangeId}/bundle': ['application/json', 'text/html'],
    'GET /evidence/leaves/{position}/bundle': ['application/json', 'text/html'],
    'GET /evidence/verify.mjs': ['text/javascript'],
    'GET /exchanges/live': ['text/event-stream'],
  })
})

type Swagger = { swagger(): object }

/** For everybody: the document itself, and where an identity provider sends a browser back to. */
const undocumented = ['GET /openapi.json', 'GET /session/sso/:owner/callback']

test('every route that the control side serves is in the table or for everybody, and every page stands outside the API', async (t) => {
  const platform = await testPlatform(t)
  const server = createHttpServer({ log: platform.log })
  const served: { route: string; access: unknown }[] = []
  server.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat())
      if (one !== 'HEAD') served.push({ route: `${one} ${url}`, access: config?.access })
  })
  await mounted(t, platform, server)
  const api = served.filter(({ route }) => route.includes(` ${prefix}`))
  const pages = served.filter(({ route }) => !route.includes(` ${prefix}`))
  const rows = new Map(
    Object.entries(accessTable).map(([route, row]) => [route.replaceAll(/\{(\w+)\}/g, ':$1'), row]),
  )
  for (const { route, access } of api) {
    const row = rows.get(route.replace(prefix, ''))
    if (undocumented.includes(route.replace(prefix, ''))) assert.equal(access, 'public')
    else {
      assert.ok(row, `${route} is in no row`)
      assert.equal(access === 'public', row.who === 'everybody', route)
    }
  }
  assert.equal(api.length, rows.size + undocumented.length)
  for (const { route, access } of pages) assert.equal(access, 'public', route)
})

/** The answer for another partner's thing says nothing that the answer for no thing at all does not. */
function isAsForAbsent(foreign: Answer, absent: Answer, ids: Ids, row: Row): void {
  const isAbout = JSON.stringify([row.path?.(ids), row.body?.(ids)])
  const changed = JSON.stringify([row.path?.(absentOf(ids)), row.body?.(absentOf(ids))]) !== isAbout
  if (!changed) return
  const told = ({ status, headers, text }: Answer) => ({
    status,
    text,
    headers: [...headers].filter(([name]) => name !== 'date' && name !== 'x-correlator').sort(),
  })
  assert.deepEqual(told(foreign), told(absent))
}
function isAsDocumented(answer: Answer, schemaOf: SchemaOf | undefined): void {
  const { status, body } = answer
  const form = answer.headers.get('content-type')?.split(';', 1)[0]
  const validate = schemaOf?.(status, form)
  assert.ok(validate, `${status} is not documented as ${form}`)
  assert.match(answer.headers.get('x-correlator') ?? '', /^[\w-]{36}$/)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  if (status === 204) assert.equal(answer.text, '')
  else if (body !== undefined)
    assert.ok(validate(body), `${status}: ${JSON.stringify(validate.errors)} ${answer.text}`)
  if (status < 400) return
  assert.deepEqual(Object.keys(body).slice(0, 3), ['status', 'code', 'message'])
  assert.equal(body.status, status)
  if (status === 401) assert.ok(body.code === 'UNAUTHENTICATED')
}

/** By route and status: what the document says of the body. */
function validators(document: Documented): Map<string, SchemaOf> {
  const ajv = addFormats.default(new Ajv({ strict: false }))
  const routes = Object.entries(document.paths).flatMap(([address, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const schemaOf: SchemaOf = (status, form) => {
        const { responses } = operation
        const response = (responses[status] ?? (status >= 400 ? responses.default : undefined)) as
          | { content?: Record<string, { schema?: object }> }
          | undefined
        if (response?.content === undefined) return response && ajv.compile({})
        const answer = response.content[form ?? '']
        return answer && ajv.compile(answer.schema ?? {})
      }
      return { address, method, schemaOf }
    }),
  )
  const prefix = '/management/v1'
  return new Map(
    routes
      .filter(({ address }) => address.startsWith(prefix))
      .map(({ address, method, schemaOf }) => [
        `${method.toUpperCase()} ${address.slice(prefix.length)}`,
        schemaOf,
      ]),
  )
}
