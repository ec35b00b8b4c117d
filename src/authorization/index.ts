export {
  type AuthorizationServerOptions,
  createAuthorizationServer,
} from './authorization-server.ts'
/** @public */
export type { Client, ClientSource, ScopeSource } from './client-source.ts'
export { createAuthorization } from './create-authorization.ts'
export { createNetwork } from './create-network-authentication.ts'
export { authorizationEraser } from './erase-subject.ts'
export { tryNumberLookup } from './operator-lookup.ts'
export { handsetLink } from './pages/handset-ticket.ts'
export { createSubscriberPages } from './pages/subscriber-pages.ts'
export { sealedColumns } from './sealed-columns.ts'
export { rememberBases } from './two-legged-basis.ts'
