import { AppError } from '#platform/app-error'
import type { AttemptLimit } from '#platform/attempts'
import type { Client } from './client-source.ts'
import { type LoginHint, numberOfHint } from './login-hint.ts'
import { OAuthError } from './oauth-error.ts'
import { LookupFailure } from './operator-lookup.ts'
import type { ServerOptions, SubscriberParts } from './server-options.ts'

const perClient: AttemptLimit = { name: 'unknown-subscriber', limit: 60, windowSeconds: 60 }

/**
 * The number that a hint of a client is about. Numbers are judged by their leading digits alone, so trying them out tells
 * nothing about who has one. An address or a token says by its nature whether somebody is behind it; what finds nobody is
 * counted, and beyond the limit nothing is looked up for this client.
 * @throws the refusal, when it is nobody of this operator
 */
export async function identifyHint(
  { environment, log }: Pick<ServerOptions, 'environment' | 'log'>,
  { lookup, attempts }: Pick<SubscriberParts, 'lookup' | 'attempts'>,
  client: Pick<Client, 'applicationId'>,
  hint: LoginHint,
  unknown: OAuthError,
): Promise<string> {
  let number: string | undefined
  try {
    number = await numberOfHint(hint, lookup)
  } catch (error) {
    if (!(error instanceof LookupFailure)) throw error
    log.warn({ environment, reason: error.message }, 'the operator’s number lookup failed')
    throw unavailable(503, 'the network cannot tell at the moment whose address or token this is')
  }
  if (number !== undefined) return number
  try {
    await attempts.take(perClient, `${environment}:${client.applicationId}`)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw unavailable(429, 'too many subscribers that are not known here: wait a minute')
  }
  throw unknown
}

const unavailable = (status: number, description: string): OAuthError =>
  new OAuthError(status, 'temporarily_unavailable', description)
