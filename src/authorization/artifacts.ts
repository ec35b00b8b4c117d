import type { Clock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Database } from '#platform/database'
import type { Outbox } from '#platform/outbox'
import type { Sealing } from '#platform/sealing'
import {
  type ArtifactKey,
  addArtifact,
  consumeArtifact,
  deleteArtifact,
  deleteGrant,
  findArtifact,
  putArtifact,
} from './artifact-store.ts'
import type { AuthorizationTables } from './tables.ts'

type Payload = Record<string, unknown>

/** What of the server's options is needed here. */
export type ArtifactOptions = {
  environment: Environment
  database: Database<AuthorizationTables>
  sealing: Sealing
  outbox: Outbox
  clock: Clock
}

/**
 * The artifacts of one environment. An id comes as its holder has it and is kept as a keyed hash; a payload is kept
 * sealed, bound to its row.
 * @public
 */
export interface Artifacts {
  put(model: string, id: string, payload: Payload, lifetimeSeconds: number): Promise<void>
  find(
    model: string,
    id: string,
  ): Promise<{ payload: Payload; consumedAt: Date | null } | undefined>
  /** @returns true for one of any number of simultaneous uses, over all processes; false for every other */
  consume(model: string, id: string): Promise<boolean>
  /** @returns true for the one call that took it away */
  remove(model: string, id: string): Promise<boolean>
  /**
   * Ends a grant: what was made of it is gone, and gateways refuse its tokens within a second. Doing it again, or at the
   * same moment, changes nothing.
   */
  endGrant(grantId: string): Promise<void>
  /** Ends one access token, which gateways refuse within a second; `expiresAt` is when it would have ended by itself. */
  revokeToken(jti: string, expiresAt: Date): Promise<void>
  /** Whether a token was revoked, or its grant has ended, while it could still live. */
  isRevoked(token: { jti: string; grantId: string | undefined }): Promise<boolean>
}

/** No access token lives longer. */
const longestTokenMs = 900_000

const ended = 'EndedGrant'
const revoked = 'RevokedToken'
type Reader = Parameters<typeof addArtifact>[0]

export const artifactContext = ({ environment, model, id }: ArtifactKey): string =>
  `authorization.artifact.${environment}.${model}.${id}`

/** @public */
export function createArtifacts(options: ArtifactOptions): Artifacts {
  const { environment, database, sealing, outbox, clock } = options
  const keyOf = (model: string, id: string): ArtifactKey => ({
    environment,
    model,
    id: sealing.keyedHash('authorization.artifact', `${environment}:${model}:${id}`),
  })
  const remember = (db: Reader, model: string, id: string, expiresAt: Date): Promise<boolean> => {
    const key = keyOf(model, id)
    const payload = sealing.seal('{}', artifactContext(key))
    return addArtifact(db, { ...key, payload, at: clock.now(), expiresAt })
  }
  return {
    async put(model, id, payload, lifetimeSeconds) {
      const key = keyOf(model, id)
      const at = clock.now()
      await putArtifact(database, {
        ...key,
        grantId: grantIdOf(model, id, payload),
        payload: sealing.seal(JSON.stringify(payload), artifactContext(key)),
        expiresAt: new Date(at.getTime() + lifetimeSeconds * 1_000),
        at,
      })
    },
    async find(model, id) {
      const key = keyOf(model, id)
      const row = await findArtifact(database, key, clock.now())
      if (row === undefined) return undefined
      const payload = JSON.parse(sealing.open(row.payload, artifactContext(key))) as Payload
      return { payload, consumedAt: row.consumedAt }
    },
    consume: (model, id) => consumeArtifact(database, keyOf(model, id), clock.now()),
    remove: (model, id) => deleteArtifact(database, keyOf(model, id)),
    endGrant: (grantId) =>
      database.transaction().execute(async (trx) => {
        if (!(await deleteGrant(trx, environment, grantId))) return
        await remember(trx, ended, grantId, new Date(clock.now().getTime() + longestTokenMs))
        await outbox.emit(trx, { type: 'grant.ended', key: grantId, payload: { environment } })
      }),
    revokeToken: (jti, expiresAt) =>
      database.transaction().execute(async (trx) => {
        if (!(await remember(trx, revoked, jti, expiresAt))) return
        const payload = { environment, until: expiresAt.toISOString() }
        await outbox.emit(trx, { type: 'token.revoked', key: jti, payload })
      }),
    async isRevoked({ jti, grantId }) {
      const now = clock.now()
      if ((await findArtifact(database, keyOf(revoked, jti), now)) !== undefined) return true
      if (grantId === undefined) return false
      return (await findArtifact(database, keyOf(ended, grantId), now)) !== undefined
    },
  }
}

/** The id of a grant is in every token of it, so it is no secret and stands here as it is. */
function grantIdOf(model: string, id: string, payload: Payload): string | null {
  if (model === 'Grant') return id
  return typeof payload.grantId === 'string' ? payload.grantId : null
}
