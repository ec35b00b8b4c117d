import type { ColumnType } from 'kysely'
import type { CompiledApi } from './compiled-api.ts'
import type { ScopeBases } from './entry.ts'
import type { Domain, Lifecycle } from './schema.ts'

/** Written as text, read as what it says. */
type Json<T> = ColumnType<T, string, string>

export type CatalogTables = {
  'catalog.api_version': {
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
    /** those that operations ask for */
    scopes: ColumnType<string[], string[] | undefined, string[]>
    bases: ColumnType<Record<string, ScopeBases> | null, string | null | undefined, string | null>
    revision: number
    document: string
    product: string
    document_sha256: string
    product_sha256: string
    document_json: Json<unknown>
    compiled: Json<CompiledApi>
    compiler_version: number
    published_at: Date
    published_by: string
    deprecated_at: Date | null
    sunset_at: Date | null
    successor: string | null
  }
  'catalog.api_revision': {
    api_id: string
    revision: number
    full_version: string
    document: string
    product: string
    document_sha256: string
    product_sha256: string
    published_at: Date
    published_by: string
  }
}
