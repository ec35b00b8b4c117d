import { createHash } from 'node:crypto'
import { type Insertable, type Kysely, sql, type Transaction } from 'kysely'
import { type CompiledApi, compilerVersion } from './compiled-api.ts'
import type { RetirementRow } from './retirement.ts'
import type { Domain, Lifecycle } from './schema.ts'
import type { CatalogTables } from './tables.ts'

export type Db = Kysely<CatalogTables> | Transaction<CatalogTables>

/** What a list shows of an API version. */
export type SummaryRow = {
  id: string
  name: string
  version: string
  full_version: string
  title: string
  summary: string
  domain: Domain
  lifecycle: Lifecycle
  owner_team: string
  owner_contact: string
  plans: string[]
  consent: string
  published_at: Date
} & RetirementRow

const summaryColumns = [
  'id',
  'name',
  'version',
  'full_version',
  'title',
  'summary',
  'domain',
  'lifecycle',
  'owner_team',
  'owner_contact',
  'plans',
  'consent',
  'published_at',
  'deprecated_at',
  'sunset_at',
  'successor',
] as const satisfies readonly (keyof SummaryRow)[]

export type ListFilter = {
  domains?: readonly Domain[] | undefined
  lifecycles: readonly Lifecycle[]
  name?: string | undefined
}

export async function listApis(
  db: Db,
  filter: ListFilter,
  page: { limit: number; offset: number },
): Promise<{ rows: SummaryRow[]; total: number }> {
  let query = db.selectFrom('catalog.api_version').where('lifecycle', 'in', [...filter.lifecycles])
  if (filter.domains !== undefined) query = query.where('domain', 'in', [...filter.domains])
  if (filter.name !== undefined) query = query.where('name', '=', filter.name)
  const rows = await query
    .select(summaryColumns)
    .orderBy('name')
    // v2 before v10, v0.5 before v2.
    .orderBy(sql`length(version)`)
    .orderBy('version')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { total } = await query
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  return { rows, total }
}

export type VersionRow = SummaryRow & { compiled: CompiledApi }

export const findApi = (db: Db, id: string): Promise<VersionRow | undefined> =>
  db
    .selectFrom('catalog.api_version')
    .select([...summaryColumns, 'compiled'])
    .where('id', '=', id)
    .executeTakeFirst()

export const findDocument = (db: Db, id: string) =>
  db
    .selectFrom('catalog.api_version')
    .select(['lifecycle', 'document', 'document_json', 'compiled'])
    .where('id', '=', id)
    .executeTakeFirst()

export async function findBases(db: Db, id: string): Promise<CompiledApi['bases']> {
  const row = await db
    .selectFrom('catalog.api_version')
    .select('bases')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.bases ?? undefined
}

/** Those that partners may subscribe to. */
export const listServed = (db: Db): Promise<{ id: string; compiled: CompiledApi }[]> =>
  db
    .selectFrom('catalog.api_version')
    .select(['id', 'compiled'])
    .where('lifecycle', 'in', ['published', 'deprecated'])
    .orderBy('id')
    .execute()

export const listOutdated = (db: Db) =>
  db
    .selectFrom('catalog.api_version')
    .select(['id', 'document', 'product', 'document_sha256', 'product_sha256'])
    .where('compiler_version', '<>', compilerVersion)
    .orderBy('id')
    .execute()

export type StoredState = {
  id: string
  lifecycle: Lifecycle
  revision: number
  document_sha256: string
  product_sha256: string
  compiler_version: number
} & RetirementRow

const stateColumns = [
  'id',
  'lifecycle',
  'revision',
  'document_sha256',
  'product_sha256',
  'compiler_version',
  'deprecated_at',
  'sunset_at',
  'successor',
] as const satisfies readonly (keyof StoredState)[]

export const findState = (db: Db, id: string): Promise<StoredState | undefined> =>
  db
    .selectFrom('catalog.api_version')
    .select(stateColumns)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()

/** @returns the version that exactly these texts were published as, now or at any time before */
export async function wasPublished(db: Db, digests: Digests): Promise<string | undefined> {
  const row = await db
    .selectFrom('catalog.api_revision')
    .select('api_id')
    .where('document_sha256', '=', digests.document)
    .where('product_sha256', '=', digests.product)
    .executeTakeFirst()
  return row?.api_id
}

export type Digests = { document: string; product: string }

export const digestsOf = (files: { document: string; product: string }): Digests => ({
  document: createHash('sha256').update(files.document).digest('hex'),
  product: createHash('sha256').update(files.product).digest('hex'),
})

export type NewVersion = {
  api: CompiledApi
  documentJson: string
  files: { document: string; product: string }
  digests: Digests
  lifecycle: Lifecycle
  retirement: RetirementRow
  revision: number
  at: Date
  by: string
}

const basesOf = (api: CompiledApi) => ({
  scopes: api.scopes,
  bases: api.bases === undefined ? null : JSON.stringify(api.bases),
})

/** Writes the version as it is now. */
export async function saveVersion(trx: Transaction<CatalogTables>, now: NewVersion): Promise<void> {
  const { api, files, digests } = now
  const row: Insertable<CatalogTables['catalog.api_version']> = {
    id: api.id,
    name: api.name,
    version: api.version,
    full_version: api.fullVersion,
    title: api.title,
    summary: api.summary,
    domain: api.domain,
    lifecycle: now.lifecycle,
    owner_team: api.owner.team,
    owner_contact: api.owner.contact,
    plans: api.plans,
    consent: api.consent,
    ...basesOf(api),
    revision: now.revision,
    ...files,
    document_sha256: digests.document,
    product_sha256: digests.product,
    document_json: now.documentJson,
    compiled: JSON.stringify(api),
    compiler_version: compilerVersion,
    published_at: now.at,
    published_by: now.by,
    deprecated_at: now.retirement.deprecated_at,
    sunset_at: now.retirement.sunset_at,
    successor: now.retirement.successor,
  }
  const { id: _, ...changes } = row
  await trx
    .insertInto('catalog.api_version')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(changes))
    .execute()
}

/** Keeps what was published for ever. */
export async function saveRevision(
  trx: Transaction<CatalogTables>,
  { api, files, digests, revision, at, by }: NewVersion,
): Promise<void> {
  await trx
    .insertInto('catalog.api_revision')
    .values({
      api_id: api.id,
      revision,
      full_version: api.fullVersion,
      ...files,
      document_sha256: digests.document,
      product_sha256: digests.product,
      published_at: at,
      published_by: by,
    })
    .execute()
}

/** Another compiler made something else of the same texts. */
export async function saveCompiled(
  trx: Transaction<CatalogTables>,
  id: string,
  compiled: { api: CompiledApi; documentJson: string },
): Promise<void> {
  await trx
    .updateTable('catalog.api_version')
    .set({
      title: compiled.api.title,
      summary: compiled.api.summary,
      consent: compiled.api.consent,
      ...basesOf(compiled.api),
      document_json: compiled.documentJson,
      compiled: JSON.stringify(compiled.api),
      compiler_version: compilerVersion,
    })
    .where('id', '=', id)
    .execute()
}

export async function setLifecycle(
  trx: Transaction<CatalogTables>,
  id: string,
  lifecycle: Lifecycle,
  { deprecated_at, sunset_at, successor }: RetirementRow,
): Promise<void> {
  await trx
    .updateTable('catalog.api_version')
    .set({ lifecycle, deprecated_at, sunset_at, successor })
    .where('id', '=', id)
    .execute()
}

export async function findLifecycle(db: Db, id: string): Promise<Lifecycle | undefined> {
  const row = await db
    .selectFrom('catalog.api_version')
    .select('lifecycle')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.lifecycle
}

/** Versions whose dates say another state than the one that they have. */
export const listDue = (db: Db, at: Date): Promise<{ id: string }[]> =>
  db
    .selectFrom('catalog.api_version')
    .select('id')
    .where((eb) =>
      eb.or([
        eb.and([eb('lifecycle', 'in', ['published', 'deprecated']), eb('sunset_at', '<=', at)]),
        eb.and([eb('lifecycle', '=', 'published'), eb('deprecated_at', '<=', at)]),
      ]),
    )
    .orderBy('id')
    .execute()
