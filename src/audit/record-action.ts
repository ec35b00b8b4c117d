import type { Transaction } from 'kysely'
import type { Outbox } from '#platform/outbox'
import type { Actor } from './actor.ts'

/** Values that may stand in evidence; nested objects are not, so that nobody passes a whole body. @public */
export type DetailValue = string | number | boolean | null | readonly string[]

/** @public */
export type Action = {
  actor: Actor
  /** `<noun>.<what happened>`, for example `member.invited` */
  action: string
  /** the id of what was acted upon */
  target: string
  /** whose evidence it is, when the actor is not itself a member of that partner */
  partnerId?: string | undefined
  /** Named field by field at each call: never a request body, a secret, an e-mail address or a phone number. */
  detail?: Readonly<Record<string, DetailValue>> | undefined
}

export const actionEvent = 'audit.action'

export type ActionPayload = {
  actorKind: Actor['kind']
  actorId: string | null
  via: string | null
  partnerId: string | null
  action: string
  target: string
  detail: Readonly<Record<string, DetailValue>>
}

/**
 * Records an action in the transaction of the change itself: either both are kept or neither.
 * @example await recordAction(outbox, trx, { actor, action: 'member.invited', target: memberId, detail: { role } })
 * @public
 */
export async function recordAction<T>(
  outbox: Outbox,
  trx: Transaction<T>,
  { actor, action, target, partnerId, detail }: Action,
): Promise<void> {
  const payload: ActionPayload = {
    actorKind: actor.kind,
    actorId: actor.kind === 'anonymous' ? null : actor.id,
    via: 'via' in actor ? actor.via : null,
    partnerId: partnerId ?? (actor.kind === 'partner' ? actor.partnerId : null),
    action,
    target: withoutSecrets(target),
    detail: Object.fromEntries(
      Object.entries(detail ?? {}).map(([name, value]) => [name, cleaned(value)]),
    ),
  }
  await outbox.emit(trx, { type: actionEvent, key: payload.target, payload })
}

/** A value of the detail, as it is kept. */
export const cleaned = (value: DetailValue): DetailValue => {
  if (typeof value === 'string') return withoutSecrets(value)
  return Array.isArray(value) ? value.map(withoutSecrets) : value
}

// The second wall: text that a person chose (the name of an application) may hold what must never stay in evidence,
// and a refusal would let it stop the change. So it is blanked instead.
const forbidden = [
  /\+[1-9](?:[ ().-]?[0-9]){4,14}/g,
  /wl_(?:sbx|live)_sk_\w+/g,
  /wl_tok_\w+/g,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /-----BEGIN[^-]*PRIVATE KEY-----[\s\S]*/g,
  /[^\s@]+@[^\s@]+\.[^\s@]+/g,
]

/** What must never stay in evidence is blanked. */
export const withoutSecrets = (text: string): string =>
  // A lone surrogate or a NUL could not be stored, so it could not be counted either.
  forbidden
    .reduce((rest, pattern) => rest.replace(pattern, '[removed]'), text.toWellFormed())
    .replaceAll('\u0000', '')
    .slice(0, 500)
