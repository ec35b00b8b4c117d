import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { type Clock, systemClock } from '#platform/clock'
import { testPlatform } from '#platform/testing'
import {
  type ApiEntry,
  followSnapshot,
  type SnapshotExample,
  type SnapshotOperation,
} from '#snapshot'
import { putEntry } from '../snapshot/store.ts'
import type { SnapshotTables } from '../snapshot/tables.ts'
import { createSandbox } from './create-sandbox.ts'

type Json = Record<string, unknown>
type TestContext = { after: (fn: () => Promise<void> | void) => void }

export const upstreamToken = 'token-of-the-sandbox-gateway'
export const anApplication = 'app_0mf3k2x9ab7c1d5e9f2g'
export const anotherApplication = 'app_0mf3k2x9ab7c1d5e9f2h'

const pack = path.join(import.meta.dirname, '..', '..', 'catalog')

/** The operator pack's document of this name, compiled as far as the simulator needs it. */
export function packEntry(name: string): ApiEntry {
  const document = parse(readFileSync(path.join(pack, name, 'openapi.yaml'), 'utf8')) as Json
  const components = document.components as Record<string, Json>
  const resolve = (value: unknown): Json => {
    const { $ref: reference } = value as { $ref?: string }
    if (reference === undefined) return value as Json
    const [, , kind = '', key = ''] = reference.split('/')
    return (components[kind]?.[key] ?? {}) as Json
  }
  const version = String((document.info as Json).version).split('.', 1)[0]
  const schema = (value: unknown): Json =>
    JSON.parse(
      JSON.stringify(value, (_key, inner: unknown) => {
        if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
        const { nullable, discriminator, example, ...rest } = inner as Json
        return nullable === true ? { ...rest, type: [rest.type, 'null'] } : rest
      }).replaceAll('#/components/schemas/', '#/$defs/'),
    ) as Json

  const operations = Object.entries(document.paths as Record<string, Json>).flatMap(
    ([template, item]) =>
      Object.entries(item).map(([method, described]): SnapshotOperation => {
        const operation = described as Record<string, Json>
        const examples: SnapshotExample[] = []
        const responses = Object.entries(operation.responses ?? {}).map(([status, value]) => {
          const content = (resolve(value).content ?? {}) as Record<string, Json>
          for (const [exampleName, { value: body }] of Object.entries(
            (content['application/json']?.examples ?? {}) as Record<string, Json>,
          )) {
            examples.push({
              name: exampleName,
              status: Number(status),
              mediaType: 'application/json',
              body,
              headers: {},
            })
          }
          return {
            status,
            content: Object.fromEntries(
              Object.entries(content).map(([type, media]) => [type, schema(media.schema)]),
            ) as Record<string, Json>,
            headers: ['x-correlator'],
          }
        })
        const body = (operation.requestBody?.content ?? {}) as Record<string, Json>
        return {
          operationId: String(operation.operationId),
          method: method.toUpperCase() as SnapshotOperation['method'],
          path: template,
          scopes: [],
          parameters: [],
          requestBody: {
            required: true,
            content: { 'application/json': schema(body['application/json']?.schema) },
          },
          responses,
          examples,
          requestExample: undefined,
          billable: 'success',
        }
      }),
  )
  return anEntry(name, `v${version}`, operations, schema(components.schemas) as ApiEntry['schemas'])
}

export function anEntry(
  name: string,
  version: string,
  operations: readonly SnapshotOperation[],
  schemas: ApiEntry['schemas'] = {},
): ApiEntry {
  return {
    kind: 'api',
    id: `${name}/${version}`,
    name,
    version,
    title: name,
    domain: 'Identity',
    lifecycle: 'published',
    owner: { team: 'Tests', contact: 'tests@operator.example' },
    basePath: `/${name}/${version}`,
    profile: '0.6',
    upstream: { kind: 'simulated', timeoutMs: 5_000 },
    operations,
    schemas,
  } as ApiEntry
}

export const packNames = ['sim-swap', 'location-verification', 'one-time-password-sms']

type CallOptions = {
  method?: string
  application?: string
  headers?: Record<string, string>
  raw?: string
}
type Reply = { status: number; body: unknown; headers: Headers }

/** A started simulator on a database of its own that follows the real snapshot, and the gateway's way to call it. */
export async function startTestSandbox(
  t: TestContext,
  options: { clock?: Clock; apis?: readonly ApiEntry[] } = {},
) {
  const clock = options.clock ?? systemClock
  const platform = await testPlatform(t, { clock })
  const publish = async (id: string, entry: ApiEntry | undefined): Promise<void> => {
    await platform.database
      .as<SnapshotTables>()
      .transaction()
      .execute((trx) => putEntry(trx, 'sandbox', 'api', id, entry, new Date()))
  }
  for (const api of options.apis ?? packNames.map(packEntry)) await publish(api.id, api)
  const follower = followSnapshot({
    databaseUrl: platform.database.url,
    environment: 'sandbox',
    log: platform.log,
  })
  const sandbox = createSandbox({
    listen: { host: '127.0.0.1', port: 0 },
    upstreamToken,
    follower,
    database: platform.database,
    newId: platform.newId,
    clock,
    log: platform.log,
  })
  await sandbox.start()
  t.after(() => sandbox.stop())

  const call = async (target: string, body?: unknown, extra: CallOptions = {}): Promise<Reply> => {
    const payload = extra.raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(`http://127.0.0.1:${sandbox.port()}${target}`, {
      method: extra.method ?? 'POST',
      headers: {
        authorization: `Bearer ${upstreamToken}`,
        'x-wayleave-application': extra.application ?? anApplication,
        'x-wayleave-partner': 'prt_0mf3k2x9ab7c1d5e9f2g',
        'x-correlator': `test-${randomBytes(4).toString('hex')}`,
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...extra.headers,
      },
      ...(payload !== undefined && { body: payload }),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      headers: response.headers,
    }
  }
  return { platform, sandbox, follower, publish, call }
}

export const codeIn = (reply: Reply): unknown =>
  (reply.body as { code?: unknown } | undefined)?.code
