import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import type { Completed } from './complete-sign-in.ts'
import { tellPerson } from './factor-rules.ts'
import { refuseLocalSignIn } from './identity-provider.ts'
import type { Identifying } from './needs.ts'
import { requestOptions, verifyAssertion } from './passkey-protocol.ts'
import { findPasskey, listPasskeys, notePasskeyUse } from './passkey-store.ts'
import type { PasskeyAssertion, PasskeySignIn } from './schema.ts'
import { actorOf } from './sign-in.ts'
import { findAccount } from './store.ts'
import { consumeTicket } from './ticket-store.ts'

/**
 * What the sign-in page asks a browser for; the same for everybody.
 * @throws AppError TOO_MANY_REQUESTS
 */
export async function offerPasskeySignIn(identifying: Identifying, ip: string) {
  await identifying.limiter.byAddress('passkeyOffersByAddress', ip)
  return await requestOptions(identifying, 'passkey-sign-in')
}

/** For the step-up of somebody who is signed in: the browser may only use one of its own. */
export async function offerPasskeyStepUp(identifying: Identifying, personId: string) {
  await identifying.limiter.by('passkeyOffersByPerson', personId)
  const passkeys = await listPasskeys(identifying.db, personId)
  return await requestOptions(identifying, 'passkey-step-up', { personId, passkeys })
}

const notKnown = (): AppError =>
  new AppError(
    'UNAUTHENTICATED',
    'This passkey is not known here, or the browser took too long. Try again, or use your password.',
  )

/**
 * Signs in with a passkey, which is both factors in one: the device, and who unlocks it. Guesses at passwords and codes
 * never stand in its way.
 * @throws AppError UNAUTHENTICATED, the same for every reason; TOO_MANY_REQUESTS
 */
export async function signInWithPasskey(
  identifying: Identifying,
  { response, ticket }: PasskeySignIn,
  ip: string,
): Promise<Completed> {
  const { db, limiter, clock } = identifying
  await limiter.byAddress('signInByAddress', ip)
  const of = { purpose: 'passkey-sign-in', personId: null } as const
  const personId = await checkPasskey(identifying, of, response)
  const account = personId === undefined ? undefined : await findAccount(db, personId)
  if (account === undefined) throw notKnown()
  return await db.transaction().execute(async (trx) => {
    const used = ticket === undefined ? undefined : await consumeTicket(identifying, trx, ticket)
    const from = used?.person_id === account.id ? (used.provider ?? undefined) : undefined
    if (from === undefined) await refuseLocalSignIn({ ...identifying, db: trx }, account)
    const methods = from === undefined ? (['passkey'] as const) : (['sso', 'passkey'] as const)
    return { account, methods, from: from && { ...from, provedAt: clock.now() } }
  })
}

/**
 * Checks what an authenticator signed, and notes the use.
 * @returns whose passkey it is; undefined when anything at all is not good
 */
export async function checkPasskey(
  identifying: Identifying,
  of:
    | { purpose: 'passkey-sign-in'; personId: null }
    | { purpose: 'passkey-step-up'; personId: string },
  response: PasskeyAssertion,
): Promise<string | undefined> {
  const { db, clock } = identifying
  const found = await findPasskey(db, response.id)
  const passkey = of.personId === null || found?.person_id === of.personId ? found : undefined
  const proof = await verifyAssertion(identifying, of, response, passkey)
  if (proof === undefined || passkey === undefined) return undefined
  if (await notePasskeyUse(db, passkey.id, { ...proof, now: clock.now() })) return passkey.person_id
  await tellOfCopy(identifying, passkey.person_id, passkey.id)
  return undefined
}

/** A good signature with a count that was there before: somebody has a copy of the authenticator, or two uses crossed. */
async function tellOfCopy(
  identifying: Identifying,
  personId: string,
  passkeyId: string,
): Promise<void> {
  const { db, outbox } = identifying
  const account = await findAccount(db, personId)
  if (account === undefined) return
  await db.transaction().execute(async (trx) => {
    await recordAction(outbox, trx, {
      actor: actorOf(account),
      action: 'passkey.count-refused',
      target: personId,
      detail: { passkey: passkeyId },
    })
    await tellPerson(identifying, trx, personId, {
      subject: 'A passkey was refused',
      happened:
        'A sign-in with one of your passkeys was refused: the authenticator counted its uses as if there were two of it.',
    })
  })
}
