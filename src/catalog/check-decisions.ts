import { isDeepStrictEqual } from 'node:util'
import { answersOf, isCoarse, maskFault, maskWarning } from './check-masks.ts'
import { withGrid } from './compile-decisions.ts'
import type { CompiledApi } from './compiled-api.ts'
import type { JsonSchema, OperationTerms, SnapshotOperation } from './entry.ts'
import type { CheckedFile, Path } from './faults.ts'
import { findField } from './field-paths.ts'
import { type JsonRecord, listOf, valueAt } from './json.ts'
import { hint } from './nearest-name.ts'
import { namesIn } from './operations.ts'
import { fieldPath } from './product-values.ts'

/** What a check of one operation knows and where it tells. */
type Checking = {
  file: CheckedFile
  api: CompiledApi
  operation: SnapshotOperation
  terms: OperationTerms
  at: Path
}

const checks: readonly ((checking: Checking) => void)[] = [
  checkSafety,
  checkCredentials,
  checkCache,
  checkSubject,
  checkMasks,
  checkResource,
]

/**
 * Holds what a manifest decides about operations against the document that it decides about.
 * @param whole false where parts of the manifest are missing because they are at fault
 */
export function checkDecisions(file: CheckedFile, api: CompiledApi, whole: boolean): void {
  for (const operation of api.operations) {
    const { terms } = operation
    if (terms === undefined) continue
    const at = ['operations', operation.operationId]
    for (const check of checks) check({ file, api, operation, terms, at })
  }
  if (whole) checkResources(file, api)
  if (api.retirement?.successor === api.id)
    file.fault(['deprecation', 'successor'], `${api.id} cannot be its own successor`)
}

const isSafe = ({ method, terms }: SnapshotOperation): boolean =>
  method === 'GET' || terms?.safe === true

function checkSafety({ file, operation, terms, at }: Checking): void {
  const { method } = operation
  if (terms.safe === true && method !== 'GET' && method !== 'POST')
    file.fault([...at, 'safe'], `is for a POST that only reads: this is a ${method}`)
  if (terms.safe === false && method === 'GET')
    file.fault([...at, 'safe'], 'cannot be false: a GET changes nothing (RFC 9110, section 9.2.1)')
  if (terms.idempotency === 'required' && isSafe(operation))
    file.fault(
      [...at, 'idempotency'],
      'is for writes: this operation changes nothing, so it can be repeated without a key',
    )
}

function checkCredentials({ file, api, operation, terms, at }: Checking): void {
  const credentials = terms.credentials ?? ['access-token']
  if (credentials.includes('api-key') && restsOnConsent(api, operation))
    file.fault(
      [...at, 'credentials'],
      'cannot have api-key: the legal basis of this API is consent, and only an access token carries a consent',
    )
  if (terms.senderConstrained === true && !credentials.includes('access-token'))
    file.fault(
      [...at, 'senderConstrained'],
      'is about access tokens, and none are accepted here: ask for a `clientCertificate` instead',
    )
}

function checkCache({ file, api, operation, terms, at }: Checking): void {
  if (terms.cacheSeconds === undefined) {
    if (terms.cachePersonal !== undefined)
      file.fault([...at, 'cachePersonal'], 'has no meaning without `cacheSeconds`')
    return
  }
  const where = [...at, 'cacheSeconds']
  if (!isSafe(operation))
    file.fault(where, 'is for operations that change nothing: a GET, or a POST with `safe: true`')
  const why = terms.cachePersonal === true ? undefined : personal(api, operation, terms)
  if (why !== undefined)
    file.fault(where, `would keep personal data: ${why}. Say \`cachePersonal: true\` if it may`)
}

/** Why responses of an operation are about a person, or nothing. */
function personal(
  api: CompiledApi,
  operation: SnapshotOperation,
  terms: OperationTerms,
): string | undefined {
  if (restsOnConsent(api, operation)) return 'the legal basis of the API is consent'
  if (terms.masks?.some(({ action }) => action !== 'pass') === true) return 'fields are masked'
  const kind = terms.subject?.kind
  if (kind !== undefined) return kind === 'none' ? undefined : 'a call has a subject'
  const named = subjectFields.find((name) => bodyField(api, operation, name).ok)
  return named === undefined ? undefined : `a request names a person by \`${named}\``
}

/** Whether one of its scopes may only be given out with a consent, for some purpose. */
function restsOnConsent(api: CompiledApi, operation: SnapshotOperation): boolean {
  const scopes = operation.scopes.flat()
  if (scopes.length === 0) return api.consent === 'consent'
  return scopes.some((scope) => api.bases?.[scope]?.none.basis === 'consent')
}

/** Where requests of the standard name a subscriber (CAMARA Commonalities, Device and PhoneNumber). */
export const subjectFields = [
  'phoneNumber',
  'device',
  'amountTransaction.phoneNumber',
  'config.subscriptionDetail.device',
  'config.subscriptionDetail.phoneNumber',
]

function bodyField(api: CompiledApi, operation: SnapshotOperation, field: string) {
  const bodies = Object.values(operation.requestBody?.content ?? {})
  const all = bodies.map((schema) => findField(schema, api.schemas, field))
  return all.find(({ ok }) => ok) ?? all[0] ?? { ok: false as const, why: 'it has no body' }
}

function checkSubject({ file, api, operation, terms, at }: Checking): void {
  const { subject } = terms
  if (subject === undefined) return
  const where = [...at, 'subject']
  if (subject.kind === 'none') {
    if (subject.field !== undefined)
      file.fault([...where, 'field'], 'has no meaning: the subject is `none`')
    return
  }
  if (subject.field !== undefined) {
    const found = bodyField(api, operation, subject.field)
    if (!found.ok)
      file.fault(
        [...where, 'field'],
        `is not in the request of ${operation.operationId}: ${found.why}`,
      )
    return
  }
  if (!subjectFields.some((name) => bodyField(api, operation, name).ok))
    file.fault(
      where,
      `needs \`field\`: the request of ${operation.operationId} has no \`phoneNumber\` and no \`device\``,
    )
}

function checkMasks({ file, api, operation, terms, at }: Checking): void {
  const seen = new Set<string>()
  const written = listOf(valueAt(file.value, [...at, 'masks']))
  let index = -1
  for (const mask of terms.masks ?? []) {
    // Those that are no masks at all were told of already and left out.
    do index += 1
    while (index < written.length && !isDeepStrictEqual(withGrid(written[index]), mask))
    const where = [...at, 'masks', index]
    const field = [...where, 'field']
    if (seen.has(mask.field)) file.fault(field, `\`${mask.field}\` has a mask already`)
    seen.add(mask.field)
    const fault = maskFault(operation, api.schemas, mask)
    const warning = fault ?? maskWarning(operation, api.schemas, mask)
    if (fault !== undefined) file.fault(field, `\`${mask.field}\` ${fault}`)
    else if (warning !== undefined) file.warn(field, `\`${mask.field}\` ${warning}`)
    if (mask.gridMetres !== undefined && mask.action !== 'coarsen')
      file.fault([...where, 'gridMetres'], 'is for coarsen only')
    if (mask.revealedBy !== undefined && mask.action === 'pass')
      file.fault([...where, 'revealedBy'], 'reveals nothing: the field passes as it is')
    for (const [i, scope] of (mask.revealedBy ?? []).entries()) {
      if (!api.scopes.includes(scope))
        file.fault(
          [...where, 'revealedBy', i],
          `\`${scope}\` is no scope of this API${hint(scope, api.scopes)}`,
        )
    }
  }
}

function checkResource(checking: Checking): void {
  const { file, terms, at } = checking
  const { resource } = terms
  if (resource === undefined || resource.derived === true) return
  const where = [...at, 'resource']
  const unused = { create: ['parameter', 'items'], access: ['field', 'items'], list: ['parameter'] }
  for (const key of unused[resource.role])
    if (key in resource) file.fault([...where, key], `has no meaning for \`${resource.role}\``)
  if (resource.within !== undefined)
    checkParameter(checking, [...where, 'within', 'parameter'], resource.within.parameter)
  switch (resource.role) {
    case 'access':
      if (resource.parameter === undefined)
        file.fault(where, 'needs `parameter`: the path parameter that names the resource')
      else checkParameter(checking, [...where, 'parameter'], resource.parameter)
      return
    case 'create':
      if (resource.field === undefined)
        file.fault(where, 'needs `field`: where the response has the id of what was made')
      else checkAnswerField(checking, [...where, 'field'], resource.field)
      return
    case 'list':
      checkListed(checking, where, resource)
      return
  }
}

function checkParameter({ file, operation }: Checking, at: Path, parameter: string): void {
  const names = namesIn(operation.path)
  if (names.includes(parameter)) return
  const known = names.length === 0 ? ': the path has none' : hint(parameter, names)
  file.fault(at, `\`${parameter}\` is no path parameter of ${operation.operationId}${known}`)
}

function checkListed(
  checking: Checking,
  where: Path,
  resource: { field?: string; items?: string },
) {
  const { file } = checking
  if (resource.field === undefined || resource.items === undefined) {
    const missing = resource.field === undefined ? 'field' : 'items'
    file.fault(where, `needs \`${missing}\`: \`items\` is the list, \`field\` the id in each of it`)
    return
  }
  if (!checkAnswerField(checking, [...where, 'items'], `${resource.items}[]`)) return
  const dot = resource.field.startsWith('[]') ? '' : '.'
  checkAnswerField(checking, [...where, 'field'], `${resource.items}[]${dot}${resource.field}`)
}

/** Holds a path against the responses of an operation. @returns whether it leads to something */
function checkAnswerField({ file, api, operation }: Checking, at: Path, field: string): boolean {
  const found = answersOf(operation).map(({ schema }) => findField(schema, api.schemas, field))
  if (found.some(({ ok }) => ok)) return true
  const [first] = found
  const why = first === undefined || first.ok ? 'it has no body' : first.why
  file.fault(at, `is not in the response of ${operation.operationId}: ${why}`)
  return false
}

/** What is read or listed must be made by someone, or every call is for a thing that is not there. */
function checkResources(file: CheckedFile, api: CompiledApi): void {
  const rules = api.operations.flatMap(({ operationId, terms }) =>
    terms?.resource === undefined ? [] : [{ operationId, ...terms.resource }],
  )
  const made = rules.filter(({ role }) => role === 'create').map(({ name }) => name)
  for (const { operationId, role, name } of rules) {
    // What another API makes is not seen here.
    if (role !== 'create' && !name.includes('/') && !made.includes(name))
      file.warn(
        ['operations', operationId, 'resource', 'name'],
        `no operation creates a \`${name}\`: every call will be told that it is not there${hint(name, made)}`,
      )
  }
}

/** One that is none was told already. */
const isFieldPath = new RegExp(fieldPath.pattern)

/** Fields that a comparison ignores or tolerates must be fields of some response. */
export function checkComparison(file: CheckedFile, api: CompiledApi): void {
  for (const environment of ['sandbox', 'production'] as const) {
    const source = api.upstream[environment]
    if (source === undefined || typeof source === 'string' || source.shadow === undefined) continue
    const at = ['upstream', environment, 'shadow']
    if (!api.operations.some(isSafe))
      file.warn(at, 'has nothing to compare: only calls that change nothing are sent there twice')
    const { ignore = [], tolerances = {} } = source.shadow
    for (const [index, field] of ignore.entries())
      checkCompared(file, api, [...at, 'ignore', index], field, () => true)
    for (const field of Object.keys(tolerances).filter((text) => isFieldPath.test(text)))
      checkCompared(file, api, [...at, 'tolerances', field], field, isCoarse)
  }
}

function checkCompared(
  file: CheckedFile,
  api: CompiledApi,
  at: Path,
  field: string,
  fits: (schemas: readonly JsonRecord[]) => boolean,
): void {
  const schemas: JsonSchema[] = api.operations.flatMap((one) =>
    answersOf(one).map(({ schema }) => schema),
  )
  const found = schemas.map((schema) => findField(schema, api.schemas, field))
  const there = found.flatMap((one) => (one.ok ? [one] : []))
  if (there.length === 0) {
    const why = found.find((one) => !one.ok)?.why ?? 'no operation answers with a body'
    file.fault(at, `\`${field}\` is in no response: ${why}`, { at: 'key' })
  } else if (!there.some((one) => fits(one.schemas)))
    file.fault(
      at,
      `\`${field}\` is no number and no time: it is the same or it is not. Put it under \`ignore\``,
      {
        at: 'key',
      },
    )
}
