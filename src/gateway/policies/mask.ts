import type { ContractEntry } from '#snapshot'
import type { OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import {
  type FieldRule,
  fieldRules,
  isRevealed,
  maskBody,
  repeats,
} from '../payload/field-masks.ts'
import { keepForReplay } from '../payload/kept-answer.ts'
import { putResponseJson, responseJson } from '../payload/response-json.ts'
import { refuse } from '../refusal.ts'

/** what one record of the journal may hold */
const mostNoted = 200
const longestNoted = 256

/**
 * Fields that the product or the contract does not show are taken out or made unreadable, in every answer: also in errors,
 * and in one that was kept and is given again. Without a scope or a contract that reveals it, a declared field is not
 * shown. An answer that cannot be masked does not leave.
 * @public
 */
export const mask: OperationPolicy = (context, operation) => {
  const rulesOf = rulesByContract(operation)
  return {
    name: 'mask',
    apply(exchange) {
      const { contract } = exchange
      const rules = rulesOf(contract)
      if (rules.length === 0) return undefined
      const scopes = exchange.token?.scopes
      const applied = rules.filter((rule) => !isRevealed(rule, scopes))
      if (applied.length === 0) return undefined
      const json = responseJson(exchange)
      if (json === 'none') return undefined
      if (json === 'other')
        return refuse('BAD_GATEWAY', 'The service behind this API gave no usable answer.', {
          fault: { reason: 'a body that is not JSON cannot be masked' },
        })
      keepForReplay(exchange)
      const owner = contract?.id ?? ''
      const root = { body: json.value }
      const { fields, texts } = maskBody(root, applied, (text) =>
        context.sealing.keyedHash('mask', `${owner} ${text}`),
      )
      if (fields.length === 0) return undefined
      exchange.masked = fields.slice(0, mostNoted).map((field) => field.slice(0, longestNoted))
      putResponseJson(exchange, root.body)
      exchange.responseHeaders = withoutRepeats(exchange.responseHeaders, texts)
      return undefined
    },
  }
}

/**
 * Whether fields of this operation are masked under this contract, whatever the token's scopes.
 * @public
 */
export function rulesByContract(
  operation: Operation,
): (contract: ContractEntry | undefined) => readonly FieldRule[] {
  const product = operation.documented.terms?.masks ?? []
  const usual = fieldRules(product, undefined, operation.api.id)
  // An entry that changes is another object, so what was compiled for it goes with it.
  const compiled = new WeakMap<ContractEntry, readonly FieldRule[]>()
  return (contract) => {
    if (contract?.masks === undefined) return usual
    let rules = compiled.get(contract)
    if (rules === undefined) {
      rules = fieldRules(product, contract, operation.api.id)
      compiled.set(contract, rules)
    }
    return rules
  }
}

function withoutRepeats(headers: readonly string[], texts: ReadonlySet<string>): string[] {
  const left: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const value = headers[i + 1] ?? ''
    if (name === 'content-type' || !repeats(value, texts)) left.push(name, value)
  }
  return left
}
