export { createAuthorizationServer } from './authorization-server.ts'
/** @public */
export type { Client, ClientSource, ScopeSource } from './client-source.ts'
export { createAuthorization } from './create-authorization.ts'
export { sealedColumns } from './sealed-columns.ts'
