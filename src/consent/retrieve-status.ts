import type { Environment } from '#platform/config'
import { beginCapture } from './begin-capture.ts'
import { basesOf } from './decide.ts'
import { CaptureRefused } from './face.ts'
import { isObjected, standingOf } from './judge.ts'
import type { Consenting } from './needs.ts'
import { recordsAbout } from './store.ts'
import type { ConsentRow } from './tables.ts'

/** The questions of consent-info, beside those of consent itself. @public */
export type ConsentInfoNeeds = {
  /** every scope that the application may ask for now, by its subscriptions */
  scopesOf(applicationId: string): Promise<readonly string[]>
  /** registered addresses, and the purposes that its scopes were ordered for; undefined when it is gone */
  clientOf(applicationId: string): Promise<
    | {
        redirectUris: readonly string[]
        grants: readonly { purpose?: string | undefined; scopes: readonly string[] | '*' }[]
      }
    | undefined
  >
  /** the address of the page that opens a question */
  captureUrl(environment: Environment, token: string): string
}

export type StatusRequest = {
  environment: Environment
  applicationId: string
  subject: string
  /** sealed, for the page that sends a code */
  sealedNumber: string
  purpose: string
  scopes: readonly string[]
  requestCaptureUrl: boolean
  callbackUrl?: string
}

type Reason = 'PENDING' | 'REQUESTED' | 'DENIED' | 'EXPIRED' | 'OBJECTED'

/** One element of `statusInfo` (consent-info v0.2). */
export type StatusInfo = {
  scopes: string[]
  purpose: string
  statusValidForProcessing: boolean
  statusReason?: Reason
  expirationDate?: string
}

export type StatusResult =
  | { is: 'status'; statusInfo: StatusInfo[]; captureUrl?: string }
  | { is: 'not-allowed' | 'bad-callback' | 'too-often' }

const linkHoldsMs = 60 * 60_000
const askable: readonly (Reason | undefined)[] = ['PENDING', 'REQUESTED', 'EXPIRED']

/**
 * Whether an application may process what it names, scope by scope, and where the subscriber can be asked. The same
 * answer for a number that is nobody's as for one that nobody asked: this API finds no subscribers.
 */
export async function retrieveStatus(
  consenting: Consenting,
  needs: ConsentInfoNeeds,
  request: StatusRequest,
): Promise<StatusResult> {
  const client = await needs.clientOf(request.applicationId)
  const bases = await basesOf(consenting, request)
  const own = new Set(await needs.scopesOf(request.applicationId))
  const scopes = bases.map(({ scope }) => scope)
  const offered = bases.every(({ basis }) => basis !== 'not-allowed')
  if (
    client === undefined ||
    scopes.length === 0 ||
    !offered ||
    !scopes.every((scope) => own.has(scope) && isOrdered(client.grants, request.purpose, scope))
  )
    return { is: 'not-allowed' }
  const { requestCaptureUrl, callbackUrl } = request
  if (requestCaptureUrl && callbackUrl !== undefined) {
    // Exactly one that was registered (RFC 9700 section 4.1.3), whose scheme was checked then.
    if (!client.redirectUris.includes(callbackUrl)) return { is: 'bad-callback' }
  }
  const known = await recordsAbout(consenting.db, { ...request, scopes })
  const statuses = bases.map((one) => ({
    ...one,
    status: statusOf(request, one, known, consenting.clock.now()),
  }))
  const statusInfo = together(statuses, request.purpose)
  const missing = statuses
    .filter(({ status }) => askable.includes(status.statusReason))
    .map(({ scope }) => scope)
  if (!requestCaptureUrl || missing.length === 0) return { is: 'status', statusInfo }
  try {
    const { token } = await beginCapture(consenting, {
      environment: request.environment,
      subject: request.subject,
      applicationId: request.applicationId,
      purpose: request.purpose,
      scopes: missing,
      channel: 'capture-url',
      locales: [],
      sealedNumber: request.sealedNumber,
      reference: 'consent-info',
      expiresAt: new Date(consenting.clock.now().getTime() + linkHoldsMs),
      ...(callbackUrl === undefined ? {} : { returnTo: callbackUrl }),
    })
    return { is: 'status', statusInfo, captureUrl: needs.captureUrl(request.environment, token) }
  } catch (error) {
    if (!(error instanceof CaptureRefused)) throw error
    if (error.reason === 'too-often') return { is: 'too-often' }
    if (error.reason === 'not-allowed') return { is: 'not-allowed' }
    // The subscriber answered in this very moment: what is true now is told without a link.
    return await retrieveStatus(consenting, needs, { ...request, requestCaptureUrl: false })
  }
}

/** An application without grants of its own has ordered everything that it may ask for. */
const isOrdered = (
  grants: readonly { purpose?: string | undefined; scopes: readonly string[] | '*' }[],
  purpose: string,
  scope: string,
): boolean =>
  grants.length === 0 ||
  grants.some(
    (grant) =>
      (grant.purpose === undefined || grant.purpose === purpose) &&
      (grant.scopes === '*' || grant.scopes.includes(scope)),
  )

type Status = Pick<StatusInfo, 'statusValidForProcessing' | 'statusReason' | 'expirationDate'>

const valid: Status = { statusValidForProcessing: true }
const invalid = (statusReason: Reason): Status => ({
  statusValidForProcessing: false,
  statusReason,
})

function statusOf(
  { environment }: StatusRequest,
  { scope, basis }: { scope: string; basis: string },
  known: readonly ConsentRow[],
  now: Date,
): Status {
  if (basis === 'legitimate-interest') return isObjected(scope, known) ? invalid('OBJECTED') : valid
  if (basis !== 'consent') return valid
  const standing = standingOf(environment, scope, known, now)
  switch (standing.is) {
    case 'granted':
      return standing.expiresAt === undefined
        ? valid
        : { ...valid, expirationDate: standing.expiresAt.toISOString() }
    case 'denied':
    case 'withdrawn':
      // A no that has stood its time may be asked about again.
      return invalid(standing.stands ? 'DENIED' : 'PENDING')
    case 'objected':
      return invalid('OBJECTED')
    case 'requested':
      return invalid('REQUESTED')
    case 'expired':
      return { ...invalid('EXPIRED'), expirationDate: standing.at.toISOString() }
    case 'pending':
    case 'none':
      return invalid('PENDING')
  }
}

/** Scopes of one API that stand alike are one element. */
function together(
  statuses: readonly { scope: string; apiId: string | undefined; status: Status }[],
  purpose: string,
): StatusInfo[] {
  const groups = new Map<string, StatusInfo>()
  for (const { scope, apiId, status } of statuses) {
    const key = JSON.stringify([apiId, status])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { scopes: [scope], purpose, ...status })
    else group.scopes.push(scope)
  }
  return [...groups.values()]
}
