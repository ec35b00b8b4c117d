/**
 * Endpoints beside the token endpoint that a client authenticates at, but whose work is ours: the provider authenticates
 * the client as for a grant of this name. No metadata of a client has such a grant at the token endpoint.
 */
export const endpointGrants: Readonly<Record<string, string>> = {
  '/introspect': 'urn:wayleave:introspection',
  '/revoke': 'urn:wayleave:revocation',
}
