import type { ResourceRule } from '#snapshot'
import { type Exchange, type Policy, pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import type { Owner } from '../payload/payload-store.ts'
import { tokenSubject } from '../payload/token-subject.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'

/**
 * Things that an upstream keeps are their maker's (CAMARA Commonalities, resource isolation): of another application, or
 * of another subscriber's token, they do not exist, and the upstream is not asked. Before something is made or listed it
 * is made sure that ownership can be stored or read.
 * @public
 */
export const isolateResource: OperationPolicy = (context, operation) => {
  const { resource: rule } = operation.documented.terms ?? {}
  if (rule === undefined) return undefined
  const name = 'isolate-resource'
  const accessed = accessesOf(rule, operation)
  const makes = rule.role !== 'access'
  return {
    name,
    apply(exchange) {
      const caller = callerOf(context, exchange)
      const unknown = accessed.filter(({ resource, parameter }) => {
        const hash = context.owners.hashOf(resource, exchange.parameters[parameter] ?? '')
        return !context.owners.isKnownOf(hash, caller)
      })
      if (unknown.length === 0 && !makes) return undefined
      check(context, exchange, caller, unknown, makes).then(
        (refusal) => {
          if (refusal === undefined && rule.role === 'create') exchange.completes = true
          exchange.resume(refusal)
        },
        () => exchange.resume(notNow()),
      )
      return pending
    },
  } satisfies Policy
}

type Access = { resource: string; parameter: string }

/** What a call names: the thing itself, or the one that the thing is a part of. */
function accessesOf(rule: ResourceRule, operation: Operation): Access[] {
  const named: Access[] = []
  if (rule.role === 'access' && rule.parameter !== undefined)
    named.push({ resource: resourceName(rule.name, operation), parameter: rule.parameter })
  if (rule.within !== undefined)
    named.push({
      resource: resourceName(rule.within.name, operation),
      parameter: rule.within.parameter,
    })
  return named
}

/**
 * Names are of one API in all its versions; `carrier-billing/payment` is that of another API.
 * @public
 */
export const resourceName = (name: string, { api }: Operation): string =>
  name.includes('/') ? name : `${api.name}/${name}`

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

async function check(
  context: GatewayContext,
  exchange: Exchange,
  caller: Owner,
  accessed: readonly Access[],
  makes: boolean,
): Promise<Refusal | undefined> {
  for (const { resource, parameter } of accessed) {
    const hash = context.owners.hashOf(resource, exchange.parameters[parameter] ?? '')
    const own = await context.owners.ofCaller(resource, [hash], caller)
    if (!own.has(hash)) return refuse('NOT_FOUND', 'There is no such thing here.')
  }
  if (makes) await context.owners.reachable()
  return undefined
}

const notNow = (): Refusal =>
  refuseForNow('Whose things these are cannot be found out at the moment: nothing was done.')
