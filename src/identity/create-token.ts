import { type Actor, recordAction } from '#audit'
import { lockBySession } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { newApiToken } from './secrets.ts'
import type { TokenRow } from './tables.ts'
import { checkScopes, daysFrom } from './token-scopes.ts'
import { insertToken } from './token-store.ts'

/** @public */
export type NewApiToken = {
  role: 'operator' | 'partner'
  /** required for the role `partner`; the caller has looked whether there is one */
  partnerId?: string | undefined
  name: string
  /** names of permissions; without them it may do what the role may */
  scopes?: readonly string[] | undefined
  /** without it the token does not end by itself */
  expiresInDays?: number | undefined
  createdBy: Exclude<Actor, { kind: 'anonymous' }>
}

/**
 * An API token that no person stands behind: an administrator's, or an owner's of one partner.
 * @returns the secret, which is kept as a hash only and cannot be shown again
 */
export async function createToken(
  identifying: Identifying,
  input: NewApiToken,
): Promise<{ id: string; token: string }> {
  const { role, partnerId, name, createdBy, scopes, expiresInDays } = input
  if ((role === 'partner') !== (partnerId !== undefined)) {
    throw new TypeError('a token is of the operator, or of the partner that is named')
  }
  const maker: Actor =
    partnerId === undefined
      ? { kind: 'operator', id: '', name: '', role: 'administrator', via: 'token' }
      : { kind: 'partner', id: '', name: '', partnerId, role: 'owner', via: 'token' }
  const { row, token } = await issueToken(identifying, {
    name,
    partnerId,
    personId: undefined,
    limits: {
      scopes: scopes === undefined ? null : checkScopes(scopes, maker),
      expires_at:
        expiresInDays === undefined ? null : daysFrom(identifying.clock.now(), expiresInDays),
    },
    createdBy: createdBy.id,
    actor: createdBy,
  })
  return { id: row.id, token }
}

/** A token for one partner, or for the operator when no partner is named. */
export async function issueToken(
  { db, sealing, clock, newId, outbox }: Identifying,
  input: {
    name: string
    partnerId: string | undefined
    personId: string | undefined
    limits: Pick<TokenRow, 'scopes' | 'expires_at'>
    createdBy: string
    actor: Actor
    /** of the person who makes it */
    sessionId?: string
  },
): Promise<{ row: TokenRow; token: string }> {
  const token = newApiToken()
  const row: TokenRow = {
    id: newId('token'),
    secret_hash: sealing.keyedHash('api-token', token),
    hint: token.slice(0, 11),
    name: input.name.trim(),
    kind: input.partnerId === undefined ? 'operator' : 'partner',
    partner_id: input.partnerId ?? null,
    person_id: input.personId ?? null,
    created_by: input.createdBy,
    created_at: clock.now(),
    last_used_at: null,
    ...input.limits,
  }
  const { personId, sessionId } = input
  await db.transaction().execute(async (trx) => {
    if (personId !== undefined && sessionId !== undefined)
      await lockBySession(trx, { personId, id: sessionId })
    await insertToken(trx, row)
    await recordAction(outbox, trx, {
      actor: input.actor,
      action: 'token.created',
      target: row.id,
      partnerId: input.partnerId,
      detail: { scopes: row.scopes ?? 'all of its maker' },
    })
  })
  return { row, token }
}
