export {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  createAuthorizationServer,
} from './authorization-server.ts'
export type { Client, ClientSource, ScopeSource } from './client-source.ts'
export {
  type Authorization,
  createAuthorization,
  type SigningKeyEntry,
} from './create-authorization.ts'
