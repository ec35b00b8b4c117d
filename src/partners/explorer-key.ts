import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { Platform } from '#platform/module'
import { findExplorerKey, insertExplorerKey } from './store.ts'
import type { PartnerTables } from './tables.ts'

/** The credential under which calls from the portal's pages appear; it exists in the sandbox only. */
export const explorerCredentialId = 'crd_000000portalexplorer'

export const explorerKeyContext = (kid: string): string => `partners.explorer_key:${kid}`

export interface ExplorerKey {
  publicJwk(): Promise<JWK>
  /** A client assertion (RFC 7523) for a sandbox application, valid for one minute. */
  assertion(clientId: string, audience: string): Promise<string>
}

/**
 * The portal's own key pair: every sandbox application trusts it, so that the explorer works with the reader's own
 * application without ever knowing its secret.
 */
export function createExplorerKey(platform: Platform): ExplorerKey {
  const { clock, sealing } = platform
  const db = platform.database.as<PartnerTables>()
  let loading: ReturnType<typeof load> | undefined
  const load = async () => {
    if ((await findExplorerKey(db)) === undefined) {
      const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
      const kid = `portal-${randomUUID()}`
      await insertExplorerKey(db, {
        kid,
        publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
        sealedPrivateJwk: sealing.seal(
          JSON.stringify(await exportJWK(privateKey)),
          explorerKeyContext(kid),
        ),
      })
    }
    const stored = await findExplorerKey(db)
    if (stored === undefined) throw new Error('the key of the portal is gone')
    const privateJwk = JSON.parse(
      sealing.open(stored.sealedPrivateJwk, explorerKeyContext(stored.kid)),
    ) as JWK
    return {
      kid: stored.kid,
      publicJwk: stored.publicJwk as JWK,
      privateKey: await importJWK({ ...privateJwk, alg: 'ES256' }),
    }
  }
  const key = () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
  return {
    publicJwk: async () => (await key()).publicJwk,
    async assertion(clientId, audience) {
      const { kid, privateKey } = await key()
      const now = Math.floor(clock.now().getTime() / 1_000)
      return await new SignJWT({})
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(audience)
        .setIssuedAt(now)
        .setExpirationTime(now + 60)
        .setJti(randomUUID())
        .sign(privateKey)
    },
  }
}
