import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import type { ApiFiles, CheckResult } from './check-api.ts'
import type { Checker } from './checker.ts'
import { compilerVersion } from './compiled-api.ts'
import type { DocumentFault, Lifecycle } from './schema.ts'
import {
  digestsOf,
  findState,
  type NewVersion,
  type StoredState,
  saveCompiled,
  saveRevision,
  saveVersion,
} from './store.ts'
import type { CatalogTables } from './tables.ts'

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
      /** the event that tells others, to wait for with `outbox.settled`; undefined when nothing changed */
      eventId: string | undefined
    }
  | { faults: DocumentFault[]; warnings: DocumentFault[] }

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
  const checked = await checker.check(files)
  if (!checked.ok) return { faults: checked.faults, warnings: checked.warnings }
  const db = platform.database.as<CatalogTables>()
  return await db.transaction().execute(async (trx) => {
    await lockFor(trx, `catalog.api ${checked.api.id}`)
    return await store(platform, trx, { checked, files, actor })
  })
}

type Publication = { checked: CheckResult & { ok: true }; files: ApiFiles; actor: Actor }

async function store(
  platform: Platform,
  trx: Transaction<CatalogTables>,
  { checked, files, actor }: Publication,
): Promise<PublishResult> {
  const { api, documentJson, warnings } = checked
  const before = await findState(trx, api.id)
  const digests = digestsOf(files)
  const lifecycle = api.state ?? before?.lifecycle ?? 'published'
  const result = { apiId: api.id, created: before === undefined, warnings }
  if (before !== undefined && isSame(before, digests)) {
    const kept = { ...result, lifecycle: before.lifecycle }
    if (before.compiler_version === compilerVersion)
      return { ...kept, changed: false, eventId: undefined }
    await saveCompiled(trx, api.id, { api, documentJson })
    return { ...kept, changed: true, eventId: await tell(platform, trx, api.id) }
  }
  const backToDraft = before !== undefined && before.lifecycle !== 'draft' && lifecycle === 'draft'
  if (backToDraft) return { faults: [draftFault(files, before)], warnings }
  const version: NewVersion = {
    api,
    documentJson,
    files: { document: files.document, product: files.product },
    digests,
    lifecycle,
    revision: (before?.revision ?? 0) + 1,
    at: platform.clock.now(),
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
    },
  })
  return { ...result, lifecycle, changed: true, eventId: await tell(platform, trx, api.id) }
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

function draftFault(files: ApiFiles, before: StoredState): DocumentFault {
  const lines = files.product.split('\n')
  const line = Math.max(
    0,
    lines.findIndex((text) => /^\s*["']?state\b/.test(text)),
  )
  return {
    file: files.productName ?? 'product.yaml',
    line: line + 1,
    column: 1,
    path: '#/state',
    message: `${before.id} is ${before.lifecycle}: partners may use it, so it cannot become a draft again`,
  }
}
