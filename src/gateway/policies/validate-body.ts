import { describeFaults } from '../describe-faults.ts'
import type { OperationPolicy } from '../gateway-context.ts'
import { parseJson } from '../json-body.ts'
import { parseMediaType } from '../media-type.ts'
import { refuseInput } from '../refusal.ts'
import { collectFaults } from '../undeclared-properties.ts'
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
      const parsed = parseJson(body)
      if (!parsed.ok) return refuseInput([{ path: '', message: `The body ${parsed.fault}.` }])
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
