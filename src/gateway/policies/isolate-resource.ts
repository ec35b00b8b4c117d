import { type Exchange, type Policy, pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Owner } from '../payload/payload-store.ts'
import type { ThingKey } from '../payload/resource-owners.ts'
import { tokenSubject } from '../payload/token-subject.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'
import { type Access, accessesOf, keysOf } from './named-things.ts'

/**
 * Things that an upstream keeps are their maker's (CAMARA Commonalities, resource isolation): of another application, or
 * of another subscriber's token, they do not exist, and the upstream is not asked. Before something is made or listed it
 * is made sure that ownership can be stored or read.
 * @public
 */
export const isolateResource: OperationPolicy = (context, operation) => {
  const { resource: rule, named } = operation.documented.terms ?? {}
  if (rule === undefined && named === undefined) return undefined
  const name = 'isolate-resource'
  const accessed = accessesOf(operation)
  const makes = rule !== undefined && rule.role !== 'access'
  return {
    name,
    apply(exchange) {
      const caller = callerOf(context, exchange)
      const unknown = accessed.filter(
        (access) =>
          !keysNamed(context, exchange, access).some((key) =>
            context.owners.isKnownOf(key, caller),
          ),
      )
      if (unknown.length === 0 && !makes) return undefined
      check(context, exchange, caller, unknown, makes).then(
        (refusal) => {
          if (refusal === undefined && rule?.role === 'create') exchange.completes = true
          exchange.resume(refusal)
        },
        () => exchange.resume(notNow()),
      )
      return pending
    },
  } satisfies Policy
}

/**
 * Who calls, as ownership sees it.
 * @public
 */
export function callerOf(context: GatewayContext, exchange: Exchange): Owner {
  const own = tokenSubject(context, exchange.token)
  return {
    applicationId: exchange.application?.id ?? '',
    subject: typeof own === 'object' ? own.pseudonym : undefined,
  }
}

const keysNamed = (
  { owners }: GatewayContext,
  { parameters }: Exchange,
  { parameter, kinds }: Access,
): ThingKey[] => kinds.map((kind) => keysOf(owners, kind, parameters, parameters[parameter] ?? ''))

async function check(
  context: GatewayContext,
  exchange: Exchange,
  caller: Owner,
  accessed: readonly Access[],
  makes: boolean,
): Promise<Refusal | undefined> {
  for (const access of accessed) {
    const keys = keysNamed(context, exchange, access)
    const own = await context.owners.areOfCaller(keys, caller)
    if (!own.includes(true)) return refuse('NOT_FOUND', 'There is no such thing here.')
  }
  if (makes) await context.owners.reachable()
  return undefined
}

const notNow = (): Refusal =>
  refuseForNow('Whose things these are cannot be found out at the moment: nothing was done.')
