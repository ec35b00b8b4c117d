import type { Exchange } from '../exchange.ts'
import type { OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import {
  type FieldPath,
  isObject,
  parseFieldPath,
  placesOf,
  putMember,
  valuesAt,
} from '../payload/field-path.ts'
import { keepForReplay } from '../payload/kept-answer.ts'
import { putResponseJson, responseJson } from '../payload/response-json.ts'
import { pathsTo } from '../payload/schema-properties.ts'
import { subjectRuleOf } from '../payload/subject-rule.ts'
import { ownIdentifiers } from '../payload/subscriber-identifier.ts'

const identifiers = ['phoneNumber', 'ipv4Address', 'ipv6Address', 'networkAccessIdentifier']

/**
 * A `device` in an answer says which of the caller's own identifiers was used (CAMARA Commonalities, DeviceResponse). A
 * 3-legged caller gets none, and no caller gets one that it did not send.
 * @public
 */
export const returnOwnDevice: OperationPolicy = (_context, operation) => {
  const paths = pathsIn(operation, 'device', identifiers)
  // A subscription tells back what it is about: a number, where it is about no device.
  const numbers = pathsIn(operation, 'subscriptionDetail', ['phoneNumber'])
  if (paths.length + numbers.length === 0) return undefined
  const asked = subjectRuleOf(operation).path
  return {
    name: 'return-own-device',
    apply(exchange) {
      const sent = asked && sentDevice(exchange, asked)
      // Read again by its owner, a thing shows the device that it was made for.
      const mayShow = asked === undefined && exchange.token?.subject === undefined
      if (mayShow || exchange.status >= 300) return undefined
      const json = responseJson(exchange)
      if (typeof json === 'string') return undefined
      keepForReplay(exchange)
      let changed = false
      const root = { body: json.value }
      for (const path of paths)
        for (const place of placesOf(root, path)) {
          if (!isObject(place.value)) continue
          const own = sent && ownIdentifiers(place.value, sent)
          if (own !== undefined && isSame(own, place.value)) continue
          putMember(place, own)
          changed = true
        }
      if (sent === undefined)
        for (const path of numbers)
          for (const place of placesOf(root, path)) {
            if (!isObject(place.value) || !Object.hasOwn(place.value, 'phoneNumber')) continue
            delete place.value.phoneNumber
            changed = true
          }
      if (changed) putResponseJson(exchange, root.body)
      return undefined
    },
  }
}

const isSame = (own: object, shown: object): boolean =>
  JSON.stringify(own) === JSON.stringify(shown)

function sentDevice(
  exchange: Exchange,
  asked: FieldPath,
): Readonly<Record<string, unknown>> | undefined {
  if (exchange.requestJson === undefined) return undefined
  const [value] = valuesAt(exchange.requestJson, asked)
  if (typeof value === 'string') return { phoneNumber: value }
  return isObject(value) ? value : undefined
}

function pathsIn(operation: Operation, name: string, below: readonly string[]): FieldPath[] {
  const texts = operation.documented.responses
    .filter(({ status }) => status.startsWith('2') || status === 'default')
    .flatMap(({ content }) => Object.values(content))
    .flatMap((schema) => pathsTo(schema, operation.api.schemas, { name, below }))
  return [...new Set(texts)].map(parseFieldPath)
}
