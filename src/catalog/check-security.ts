import type { CheckedFile, Path } from './faults.ts'
import { isRecord, listOf, recordOf, valueAt } from './json.ts'
import { hint } from './nearest-name.ts'
import type { OperationAt } from './operations.ts'
import type { ProductFile } from './product-schema.ts'
import { dereference } from './references.ts'

/** The characters of a scope (RFC 6749, section 3.3). */
const scopePattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/

/** Every security requirement names schemes and scopes that exist. */
export function checkSecurity(file: CheckedFile, operations: readonly OperationAt[]): void {
  const document = recordOf(file.value)
  checkRequirements(file, document.security, ['security'])
  for (const { operation, at } of operations)
    checkRequirements(file, operation.security, [...at, 'security'])
}

function checkRequirements(file: CheckedFile, requirements: unknown, path: Path): void {
  for (const [index, requirement] of listOf(requirements).entries()) {
    for (const [name, scopes] of Object.entries(recordOf(requirement)))
      checkRequirement(file, name, scopes, [...path, index, name])
  }
}

function checkRequirement(file: CheckedFile, name: string, scopes: unknown, path: Path): void {
  const schemes = recordOf(valueAt(file.value, ['components', 'securitySchemes']))
  if (!Object.hasOwn(schemes, name)) {
    const message = `\`${name}\` is no security scheme of this document${hint(name, Object.keys(schemes))}`
    file.fault(path, message, { at: 'key', needsWholeFile: true })
    return
  }
  const scheme = dereference(file.value, {
    value: schemes[name],
    path: ['components', 'securitySchemes', name],
  }).value
  const type = recordOf(scheme).type
  const declared = type === 'oauth2' ? scopesOf(recordOf(scheme).flows) : undefined
  for (const [index, scope] of listOf(scopes).entries()) {
    const at = [...path, index]
    if (typeof scope !== 'string' || !scopePattern.test(scope))
      file.fault(at, 'is no scope: at most 256 characters, no space, quote or backslash')
    else if (declared !== undefined && !declared.includes(scope))
      file.fault(at, `\`${scope}\` is no scope of \`${name}\`${hint(scope, declared)}`)
  }
}

/** Without a scope every valid token of every subscriber would pass: an operation that takes tokens needs one. */
export function checkScopes(
  file: CheckedFile,
  operations: readonly OperationAt[],
  { scopes, operations: decisions }: Pick<ProductFile, 'scopes' | 'operations'>,
): void {
  for (const { operation, at } of operations) {
    const id = String(operation.operationId)
    const { credentials } = decisions?.[id] ?? {}
    if (credentials?.includes('access-token') === false) continue
    const named = scopes !== undefined && Object.hasOwn(scopes, id)
    if (named || requiredScopes(file.value, operation).length > 0) continue
    file.fault(
      'security' in operation ? [...at, 'security'] : at,
      `${id} needs no scope, so every valid token would do: name one in \`security\`, by an openIdConnect or oauth2 scheme, or in product.yaml under \`scopes\``,
      { at: 'key', needsWholeFile: true },
    )
  }
}

const scopesOf = (flows: unknown): string[] =>
  Object.values(recordOf(flows)).flatMap((flow) => Object.keys(recordOf(recordOf(flow).scopes)))

/**
 * The sets of scopes of which one is enough; an empty list means that a valid token is enough.
 * Only `openIdConnect` and `oauth2` know scopes. An alternative without any is dropped when another one asks for
 * scopes: a platform token is always needed, and a weaker alternative must not open what the scopes close.
 */
export function requiredScopes(document: unknown, operation: Record<string, unknown>): string[][] {
  const requirements = listOf(operation.security ?? recordOf(document).security)
  const schemes = recordOf(valueAt(document, ['components', 'securitySchemes']))
  const sets = requirements.map((requirement) =>
    Object.entries(recordOf(requirement)).flatMap(([name, scopes]) => {
      const scheme = dereference(document, { value: schemes[name], path: [] }).value
      const type = isRecord(scheme) ? scheme.type : undefined
      return type === 'openIdConnect' || type === 'oauth2'
        ? listOf(scopes).filter((scope) => typeof scope === 'string')
        : []
    }),
  )
  return sets.filter((set) => set.length > 0).map((set) => [...new Set(set)])
}
