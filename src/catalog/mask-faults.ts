import { answersOf, maskFault } from './check-masks.ts'
import type { CompiledApi } from './compiled-api.ts'
import type { FieldMask } from './entry.ts'
import { findField } from './field-paths.ts'
import { fieldPath } from './product-values.ts'
import { type Db, listServed } from './store.ts'

/** A mask that is put on the responses of an API version, or of every one that has the field (`*`). @public */
export type MaskOfApi = FieldMask & { apiId: string }

/** What the catalog has against a mask, and of which part of it. @public */
export type MaskFault = { at: 'apiId' | 'field'; message: string }

/**
 * Holds masks against what is published: the field must be there, and the action must leave what its document promises.
 * @returns one for each mask, undefined where nothing is wrong
 */
export async function maskFaults(
  db: Db,
  masks: readonly MaskOfApi[],
): Promise<(MaskFault | undefined)[]> {
  if (masks.length === 0) return []
  const apis = (await listServed(db)).map(({ compiled }) => compiled)
  return masks.map((mask) => faultOf(apis, mask))
}

function faultOf(apis: readonly CompiledApi[], mask: MaskOfApi): MaskFault | undefined {
  if (!new RegExp(fieldPath.pattern).test(mask.field))
    return { at: 'field', message: fieldPath.must }
  if (mask.apiId !== '*') {
    const api = apis.find(({ id }) => id === mask.apiId)
    if (api === undefined)
      return { at: 'apiId', message: `${mask.apiId} is not published in the catalog` }
    return faultIn(api, mask) ?? undefined
  }
  const having = apis.filter((api) => hasField(api, mask.field))
  if (having.length === 0) return { at: 'field', message: 'is in no response of any published API' }
  for (const api of having) {
    const fault = faultIn(api, mask)
    if (fault !== undefined) return { at: fault.at, message: `${fault.message} (${api.id})` }
  }
  return undefined
}

const hasField = (api: CompiledApi, field: string): boolean =>
  api.operations.some((operation) =>
    answersOf(operation).some(({ schema }) => findField(schema, api.schemas, field).ok),
  )

function faultIn(api: CompiledApi, mask: MaskOfApi): MaskFault | undefined {
  const operations = api.operations.filter((operation) => answersOf(operation).length > 0)
  const having = operations.filter((operation) =>
    answersOf(operation).some(({ schema }) => findField(schema, api.schemas, mask.field).ok),
  )
  const [first] = having.length > 0 ? having : operations
  if (first === undefined) return { at: 'apiId', message: 'has no response body' }
  for (const operation of having.length > 0 ? having : [first]) {
    const message = maskFault(operation, api.schemas, mask)
    if (message !== undefined) return { at: 'field', message }
  }
  return undefined
}
