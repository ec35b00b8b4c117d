/**
 * Whom the processes of the product connect as. None of them owns anything: what each may do is declared by the modules
 * (`database-grants.ts`), and the owner of the database only migrates.
 * @public
 */
export const databaseRoles = [
  'control',
  'authorization',
  'gateway_production',
  'gateway_sandbox',
  'simulator',
] as const

/** @public */
export type DatabaseRole = (typeof databaseRoles)[number]

export type TablePrivilege = 'select' | 'insert' | 'update' | 'delete' | `update(${string})`

/**
 * What the processes of the product may do with the schema of one module. Each table is named, also one that nobody may
 * touch: `{}`. A function that is not named runs in triggers or in other functions.
 * @public
 */
export type ModuleGrants = {
  /** tables and views; `update(column)` for that column alone */
  tables: Readonly<Record<string, Partial<Record<DatabaseRole, readonly TablePrivilege[]>>>>
  functions?: Readonly<Record<string, readonly DatabaseRole[]>>
  /** only sequences that are used by name: those of identity columns need nothing */
  sequences?: Readonly<Record<string, readonly DatabaseRole[]>>
}

/**
 * By schema.
 * @public
 */
export type DatabaseGrants = Readonly<Record<string, ModuleGrants>>

/** @public */
export const read = ['select'] as const satisfies readonly TablePrivilege[]
/**
 * Rows are written once.
 * @public
 */
export const append = ['select', 'insert'] as const satisfies readonly TablePrivilege[]
/**
 * Rows change, and stay.
 * @public
 */
export const keep = ['select', 'insert', 'update'] as const satisfies readonly TablePrivilege[]
/** @public */
export const write = [
  'select',
  'insert',
  'update',
  'delete',
] as const satisfies readonly TablePrivilege[]
