import type { Transaction } from 'kysely'
import type { Catalog } from '#catalog'
import type { Contracts } from '#contracts'
import type { PartnerDirectory } from '#partners'
import { type Environment, environments } from '#platform/config'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import type { OutboxEvent, Subscriber } from '#platform/outbox'
import { environmentOf } from './event-environment.ts'
import type { KeyEntry, SnapshotEntry, SnapshotKind } from './schema.ts'
import {
  beginWriting,
  entryIds,
  putEntries,
  putEntry,
  readHeads,
  setFormat,
  writerLock,
} from './store.ts'
import type { SnapshotTables } from './tables.ts'

/** Raised when entries are compiled differently: the next start of control then compiles everything anew. */
const format = 4

/** Compiled before the first of them is written, so that nobody waits for what is asked of others. */
const entriesAtOnce = 2_000

/** Whom the compiler asks. Each answers with a complete entry, or with nothing when the thing is gone. */
export type SnapshotSources = {
  catalog: Pick<Catalog, 'apiEntry' | 'dependents' | 'list'>
  partners: Pick<PartnerDirectory, 'applicationEntry' | 'applicationIds' | 'applicationsOf'>
  contracts: Pick<
    Contracts,
    | 'contractEntry'
    | 'planEntry'
    | 'planIds'
    | 'subscriptionEntry'
    | 'contractIds'
    | 'subscriptionIds'
  >
  keyEntries: (environment: Environment) => Promise<KeyEntry[]>
}

export interface SnapshotCompiler {
  subscriber: Subscriber
  /** Compiles everything when this version compiles differently from the one that wrote the entries. */
  ensureCompiled(): Promise<void>
}

type Put = (
  environment: Environment,
  kind: SnapshotKind,
  id: string,
  entry: SnapshotEntry | undefined,
) => Promise<void>

export function createSnapshotCompiler(
  platform: Platform,
  sources: SnapshotSources,
): SnapshotCompiler {
  const db = platform.database.as<SnapshotTables>()
  const { catalog, partners, contracts } = sources

  const putInto =
    (trx: Transaction<SnapshotTables>): Put =>
    async (environment, kind, id, entry) => {
      await putEntry(trx, environment, kind, id, entry, platform.clock.now())
    }

  const compileApi = async (put: Put, apiId: string): Promise<void> => {
    for (const environment of environments) {
      await put(environment, 'api', apiId, await catalog.apiEntry(apiId, environment))
    }
  }
  const compileApplication = async (
    put: Put,
    id: string,
    environment: Environment,
  ): Promise<void> => {
    await put(environment, 'application', id, (await partners.applicationEntry(id))?.entry)
  }
  const compileKeys = async (
    trx: Transaction<SnapshotTables>,
    put: Put,
    environment: Environment,
  ): Promise<void> => {
    const keys = await sources.keyEntries(environment)
    const gone = new Set(await entryIds(trx, environment, 'key'))
    for (const key of keys) {
      gone.delete(key.id)
      await put(environment, 'key', key.id, key)
    }
    for (const id of gone) await put(environment, 'key', id, undefined)
  }

  const reactions: Record<
    string,
    (trx: Transaction<SnapshotTables>, put: Put, event: OutboxEvent) => Promise<void>
  > = {
    'api.changed': async (_trx, put, event) => {
      await compileApi(put, event.key)
      // Whose things another API names is decided by all that are there, whichever came first.
      for (const id of await catalog.dependents(event.key)) await compileApi(put, id)
    },
    'application.changed': (_trx, put, event) =>
      compileApplication(put, event.key, environmentOf(event)),
    'partner.changed': async (trx, _put, event) => {
      const all = await partners.applicationsOf(event.key)
      for (const environment of environments) {
        const ids = all.filter((one) => one.environment === environment).map(({ id }) => id)
        for (let from = 0; from < ids.length; from += entriesAtOnce) {
          const entries = new Map<string, SnapshotEntry | undefined>()
          for (const id of ids.slice(from, from + entriesAtOnce))
            entries.set(id, (await partners.applicationEntry(id))?.entry)
          await putEntries(trx, environment, 'application', entries, platform.clock.now())
        }
      }
    },
    'contract.changed': async (_trx, put, event) => {
      await put(
        environmentOf(event),
        'contract',
        event.key,
        await contracts.contractEntry(event.key),
      )
    },
    'plan.changed': async (_trx, put, event) => {
      for (const environment of environments) {
        await put(environment, 'plan', event.key, await contracts.planEntry(event.key))
      }
    },
    'subscription.changed': async (_trx, put, event) => {
      await put(
        environmentOf(event),
        'subscription',
        event.key,
        await contracts.subscriptionEntry(event.key),
      )
    },
    'signing-key.changed': (trx, put, event) => compileKeys(trx, put, environmentOf(event)),
  }

  const compileAll = async (
    trx: Transaction<SnapshotTables>,
    environment: Environment,
  ): Promise<void> => {
    const put = putInto(trx)
    const apis = (await catalog.list(['published', 'deprecated', 'retired'])).map((api) => api.id)
    await replace(trx, environment, 'api', each(apis), (id) => catalog.apiEntry(id, environment))
    await replace(
      trx,
      environment,
      'application',
      pages((after) => partners.applicationIds(environment, after)),
      async (id) => (await partners.applicationEntry(id))?.entry,
    )
    const plans = await contracts.planIds()
    await replace(trx, environment, 'plan', each(plans), (id) => contracts.planEntry(id))
    await replace(
      trx,
      environment,
      'contract',
      pages((after) => contracts.contractIds(environment, after)),
      (id) => contracts.contractEntry(id),
    )
    await replace(
      trx,
      environment,
      'subscription',
      pages((after) => contracts.subscriptionIds(environment, after)),
      (id) => contracts.subscriptionEntry(id),
    )
    await compileKeys(trx, put, environment)
  }
  const replace = async (
    trx: Transaction<SnapshotTables>,
    environment: Environment,
    kind: SnapshotKind,
    ids: AsyncIterable<string>,
    entryOf: (id: string) => Promise<SnapshotEntry | undefined>,
  ): Promise<void> => {
    const gone = new Set(await entryIds(trx, environment, kind))
    const compiled = new Map<string, SnapshotEntry | undefined>()
    const write = async (): Promise<void> => {
      await putEntries(trx, environment, kind, compiled, platform.clock.now())
      compiled.clear()
    }
    for await (const id of ids) {
      gone.delete(id)
      compiled.set(id, await entryOf(id))
      if (compiled.size === entriesAtOnce) await write()
    }
    for (const id of gone) compiled.set(id, undefined)
    await write()
  }

  return {
    subscriber: {
      name: 'snapshot',
      types: Object.keys(reactions),
      async handle(anyTrx, event) {
        const trx = anyTrx as unknown as Transaction<SnapshotTables>
        await beginWriting(trx)
        await reactions[event.type]?.(trx, putInto(trx), event)
      },
    },
    async ensureCompiled() {
      const findStale = async (from: Parameters<typeof readHeads>[0]) =>
        (await readHeads(from)).filter((head) => head.format !== format)
      if ((await findStale(db)).length === 0) return
      await db.transaction().execute(async (trx) => {
        await lockFor(trx, writerLock)
        // Another control may have compiled everything while this one waited.
        for (const head of await findStale(trx)) await compileAll(trx, head.environment)
        await setFormat(trx, format)
      })
    },
  }
}

async function* each(ids: readonly string[]): AsyncGenerator<string> {
  yield* ids
}

async function* pages(next: (after: string) => Promise<string[]>): AsyncGenerator<string> {
  let after = ''
  for (;;) {
    const ids = await next(after)
    yield* ids
    const last = ids.at(-1)
    if (last === undefined) return
    after = last
  }
}
