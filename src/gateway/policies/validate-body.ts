import type { OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { describeFaults } from '../payload/describe-faults.ts'
import { eachInherited, parseJson, requestBounds } from '../payload/json-body.ts'
import { parseMediaType } from '../payload/media-type.ts'
import { collectFaults } from '../payload/undeclared-properties.ts'
import { type Refusal, refuseInput } from '../refusal.ts'
import { outOfRange } from './validate-parameters.ts'

/** beyond this a refusal names the first fault only: finding all of them would cost the others */
const thoroughUpTo = 65_536

/**
 * The body against the published document. The bytes that passed are the ones that are forwarded.
 * @public
 */
export const validateBody: OperationPolicy = (_context, operation) => {
  if (operation.documented.requestBody === undefined) return undefined
  return {
    name: 'validate-body',
    apply(exchange) {
      const { body, contentType } = exchange
      if (contentType === undefined || body.length === 0) return undefined
      if (parseMediaType(contentType)?.json !== true) return undefined
      const parsed = parseJson(body, requestBounds)
      if (!parsed.ok) return refuseInput([{ path: '', message: `The body ${parsed.fault}.` }])
      if (parsed.inherited) {
        const refusal = inheritedFault(parsed.value, operation)
        if (refusal !== undefined) return refusal
      }
      exchange.requestJson = parsed.value
      const validate = operation.validators.request(operation.documented, contentType)
      const thorough = body.length <= thoroughUpTo
      const first = validate(parsed.value, thorough)
      if (first === undefined) return undefined
      const faults = thorough ? collectFaults(parsed.value, first, validate) : first
      const violations = describeFaults(faults)
      return outOfRange(faults, operation, violations) ?? refuseInput(violations)
    },
  }
}

/**
 * A member that every object inherits, such as `__proto__`, is refused unless the document declares it: a reader behind
 * this one that copies it member by member would change what its own objects are.
 */
function inheritedFault(value: unknown, operation: Operation): Refusal | undefined {
  let refused = false
  eachInherited(value, (_owner, name) => {
    if (name === '__proto__' || !operation.validators.declares(name)) refused = true
  })
  return refused
    ? refuseInput([
        { path: '', message: 'The body has a name that is reserved, such as __proto__.' },
      ])
    : undefined
}
