import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { testDispatcher, testPlatform } from '#platform/testing'
import { createSnapshotCompiler, type SnapshotSources } from './compile-snapshot.ts'
import type { ApplicationEntry } from './schema.ts'

const count = 4_500

/** What the modules would say of one partner with applications in production; nothing else is there. */
function sources(states: Map<string, ApplicationEntry['state']>): SnapshotSources {
  const all = (environment: Environment): string[] =>
    environment === 'production' ? [...states.keys()] : []
  const partners = {
    applicationsOf: async () =>
      all('production').map((id) => ({ id, environment: 'production' as const })),
    applicationIds: async (environment: Environment, after: string) =>
      all(environment)
        .filter((id) => id > after)
        .slice(0, 1_000),
    async applicationEntry(id: string) {
      const state = states.get(id)
      if (state === undefined) return undefined
      return { environment: 'production', entry: { kind: 'application', id, clientId: id, state } }
    },
  }
  return {
    catalog: { apiEntry: async () => undefined, dependents: async () => [], list: async () => [] },
    // No more of it than the compiler reads.
    partners: partners as unknown as SnapshotSources['partners'],
    contracts: {
      contractEntry: async () => undefined,
      planEntry: async () => undefined,
      planIds: async () => [],
      subscriptionEntry: async () => undefined,
      contractIds: async () => [],
      subscriptionIds: async () => [],
    },
    keyEntries: async () => [],
  }
}

async function written({ database }: Platform) {
  const { rows } = await sql<{ head: number; entries: number; distinct: number; most: number }>`
    select h.revision as head, count(e.id) as entries, count(distinct e.revision) as distinct,
      coalesce(max(e.revision), 0) as most
    from snapshot.head h
    left join snapshot.entry e on e.environment = h.environment and e.body is not null
    where h.environment = 'production' group by h.revision`.execute(database.as())
  const [found] = rows
  assert.ok(found !== undefined)
  assert.equal(found.distinct, found.entries, 'each has a revision of its own')
  assert.ok(found.most <= found.head)
  return { revision: found.head, entries: found.entries }
}

test('everything is compiled once for a version, page by page, and again only where it says something else', async (t) => {
  const platform = await testPlatform(t)
  const states = new Map(
    Array.from({ length: count }, (_, i) => [
      `app_${String(i).padStart(5, '0')}`,
      'active' as ApplicationEntry['state'],
    ]),
  )
  const compiler = createSnapshotCompiler(platform, sources(states))
  await compiler.ensureCompiled()
  assert.deepEqual(await written(platform), { revision: count, entries: count })
  await compiler.ensureCompiled()
  assert.equal((await written(platform)).revision, count)

  states.set('app_00001', 'suspended')
  states.delete('app_04000')
  await sql`update snapshot.head set format = 0`.execute(platform.database.as())
  await compiler.ensureCompiled()
  assert.deepEqual(await written(platform), { revision: count + 2, entries: count - 1 })

  testDispatcher(t, platform, [compiler.subscriber])
  for (const id of states.keys()) states.set(id, 'suspended')
  const root = await platform.database
    .as()
    .transaction()
    .execute((trx) =>
      platform.outbox.emit(trx, { type: 'partner.changed', key: 'prt_1', payload: {} }),
    )
  assert.ok(await platform.outbox.settled([root], 20_000))
  const later = { revision: count + 2 + count - 2, entries: count - 1 }
  assert.deepEqual(await written(platform), later, 'one was suspended before')
})
