import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import { announceRetirement } from './announce-retirement.ts'
import type { ApiFiles, CheckResult } from './check-api.ts'
import { narrowings } from './check-legal-basis.ts'
import type { Checker } from './checker.ts'
import { compilerVersion } from './compiled-api.ts'
import { decideLifecycle } from './decide-lifecycle.ts'
import { checkedFile } from './faults.ts'
import { detailOf, isSameRetirement, noRetirement } from './retirement.ts'
import type { DocumentFault, Lifecycle } from './schema.ts'
import {
  digestsOf,
  findBases,
  findState,
  type NewVersion,
  type StoredState,
  saveCompiled,
  saveRevision,
  saveVersion,
} from './store.ts'
import { listThings } from './store-things.ts'
import { successorFault } from './successor.ts'
import type { CatalogTables } from './tables.ts'
import { tellThings } from './tell-things.ts'
import { knownKinds } from './things-of-apis.ts'

type Refused = { faults: DocumentFault[]; warnings: DocumentFault[]; notes: DocumentFault[] }

/** What came of publishing: the version that is now in the catalog, or every reason why there is none. @public */
export type PublishResult =
  | {
      apiId: string
      lifecycle: Lifecycle
      /** whether it was not in the catalog before */
      created: boolean
      /** false: the same two texts were published before, nothing happened */
      changed: boolean
      warnings: DocumentFault[]
      /** what was derived of the document */
      notes: DocumentFault[]
      /** the event that tells others, to wait for with `outbox.settled`; undefined when nothing changed */
      eventId: string | undefined
    }
  | Refused

/**
 * Checks, compiles and publishes an API version: all of it, or nothing. Publishing the same twice does nothing the
 * second time; publishing one version from many sides at once happens in some order.
 */
export async function publishApi(
  platform: Platform,
  checker: Checker,
  files: ApiFiles,
  actor: Actor,
): Promise<PublishResult> {
  const [result] = await publishTogether(platform, checker, [files], actor)
  if (result === undefined) throw new Error('nothing came of a publication')
  return result
}

/**
 * Publishes several versions: all of them, or none. Where one is at fault every result is a refusal, with no faults for
 * those that have none.
 */
export async function publishTogether(
  platform: Platform,
  checker: Checker,
  all: readonly ApiFiles[],
  actor: Actor,
): Promise<PublishResult[]> {
  const publications: Publication[] = []
  const refusals: Refused[] = []
  for (const files of all) {
    const checked = await checker.check(files)
    if (checked.ok) publications.push({ checked, files, actor })
    const { warnings, notes } = checked
    refusals.push({ faults: checked.ok ? [] : checked.faults, warnings, notes })
  }
  if (publications.length < all.length) return refusals
  const refused = new Error('a version of several is at fault')
  const results: PublishResult[] = []
  const db = platform.database.as<CatalogTables>()
  try {
    await db.transaction().execute(async (trx) => {
      // In one order everywhere, so that two of these cannot wait for each other.
      const ids = publications.map(({ checked }) => checked.api.id)
      for (const id of [...new Set(ids)].toSorted()) await lockFor(trx, `catalog.api ${id}`)
      for (const publication of publications) results.push(await store(platform, trx, publication))
      if (results.some((result) => 'faults' in result)) throw refused
      // Those that are published together know of each other, whatever their order.
      if (publications.some(({ checked }) => checked.api.openThings?.length)) {
        const kinds = knownKinds(await listThings(trx))
        for (const [index, { checked }] of publications.entries()) {
          const result = results[index]
          if (result !== undefined) Object.assign(result, tellThings(checked.api, result, kinds))
        }
      }
    })
    return results
  } catch (error) {
    if (error !== refused) throw error
    return results.map((result) =>
      'faults' in result ? result : { faults: [], warnings: result.warnings, notes: result.notes },
    )
  }
}

type Publication = { checked: CheckResult & { ok: true }; files: ApiFiles; actor: Actor }

async function store(
  platform: Platform,
  trx: Transaction<CatalogTables>,
  { checked, files, actor }: Publication,
): Promise<PublishResult> {
  const { api, documentJson, warnings, notes } = checked
  const before = await findState(trx, api.id)
  const digests = digestsOf(files)
  const result = { apiId: api.id, created: before === undefined, notes }
  if (before !== undefined && isSame(before, digests)) {
    const kept = { ...result, warnings, lifecycle: before.lifecycle }
    if (before.compiler_version === compilerVersion)
      return { ...kept, changed: false, eventId: undefined }
    await saveCompiled(trx, api.id, { api, documentJson })
    return { ...kept, changed: true, eventId: await tell(platform, trx, api.id) }
  }
  const manifest = checkedFile(files.productName ?? 'product.yaml', files.product)
  const at = platform.clock.now()
  const { lifecycle, retirement } = decideLifecycle(api, before, at, manifest)
  const { successor } = api.retirement ?? {}
  const lost = successor === undefined ? undefined : await successorFault(trx, api.id, successor)
  // A warning, because a successor may be the next one to be published.
  if (lost !== undefined) manifest.warn(['deprecation', 'successor'], lost)
  if (before?.lifecycle === 'published' || before?.lifecycle === 'deprecated') {
    const bases = (await findBases(trx, api.id)) ?? {}
    for (const line of narrowings(bases, api.bases ?? {}))
      manifest.warn(['consent'], `${line}: partners that rely on it are refused from now on`)
  }
  const noted = [...warnings, ...manifest.warnings()]
  if (manifest.faulty) return { faults: manifest.faults(), warnings: noted, notes }
  const version: NewVersion = {
    api,
    documentJson,
    files: { document: files.document, product: files.product },
    digests,
    lifecycle,
    retirement,
    revision: (before?.revision ?? 0) + 1,
    at,
    by: actor.kind === 'anonymous' ? 'anonymous' : actor.id,
  }
  await saveVersion(trx, version)
  await saveRevision(trx, version)
  await recordAction(platform.outbox, trx, {
    actor,
    action: before === undefined ? 'api.published' : 'api.updated',
    target: api.id,
    detail: {
      lifecycle,
      fullVersion: api.fullVersion,
      revision: version.revision,
      documentSha256: digests.document,
      productSha256: digests.product,
      ...detailOf(retirement),
    },
  })
  const wasTold = isSameRetirement(before ?? noRetirement, retirement)
  if (!wasTold && lifecycle !== 'draft')
    await announceRetirement(platform.outbox, trx, api.id, retirement)
  const eventId = await tell(platform, trx, api.id)
  return { ...result, warnings: noted, lifecycle, changed: true, eventId }
}

const isSame = (before: StoredState, digests: { document: string; product: string }): boolean =>
  before.document_sha256 === digests.document && before.product_sha256 === digests.product

/** Others compile what they need of it. @see README.md for who listens */
export const tell = (
  platform: Platform,
  trx: Transaction<CatalogTables>,
  apiId: string,
): Promise<string> =>
  platform.outbox.emit(trx, { type: 'api.changed', key: apiId, payload: { apiId } })
