/** The algorithms of DPoP proofs that this server and the gateways both take: a token can be used where it was asked for. */
export const proofAlgs = ['ES256', 'PS256', 'RS256'] as const
