import type { Environment } from '#platform/config'
import { type CompiledUpstream, toUpstream } from './compile-decisions.ts'
import type { ApiEntry, JsonSchema, Retirement, ScopeBases, SnapshotOperation } from './entry.ts'
import { toRetirement } from './retirement.ts'
import type { ApiSummary, ApiVersion, OperationRules, ScopeBasis } from './schema.ts'
import { mapValues, withoutAnnotations } from './schema-keywords.ts'
import type { SummaryRow, VersionRow } from './store.ts'
import { knownKinds, type ThingsOfApi, withKnownKinds } from './things-of-apis.ts'

export const toSummary = (row: SummaryRow): ApiSummary => ({
  id: row.id,
  name: row.name,
  version: row.version,
  fullVersion: row.full_version,
  title: row.title,
  summary: row.summary,
  domain: row.domain,
  lifecycle: row.lifecycle,
  owner: { team: row.owner_team, contact: row.owner_contact },
  plans: row.plans,
  consent: row.consent,
  publishedAt: row.published_at.toISOString(),
  ...retirementOf(row),
})

const retirementOf = (row: SummaryRow): { retirement?: Retirement } => {
  const retirement = toRetirement(row)
  return retirement === undefined ? {} : { retirement }
}

/** `withAddresses`: where the operator's systems are is for the operator alone. */
export function toVersion(row: VersionRow, withAddresses: boolean): ApiVersion {
  const { compiled } = row
  const shown = (source: CompiledUpstream | undefined): string => {
    if (source === undefined) return 'none'
    if (source === 'simulated' || source === 'platform') return source
    const isFunction = typeof source !== 'string' && 'function' in source
    if (!withAddresses) return isFunction ? 'function' : 'http'
    if (typeof source === 'string') return source
    return isFunction ? source.function.name : source.targets.map(({ url }) => url).join(', ')
  }
  return {
    ...toSummary(row),
    description: compiled.description,
    basePath: compiled.basePath,
    sla: compiled.sla,
    legalBases: Object.entries(compiled.bases ?? {}).map(basesOfScope),
    upstreams: {
      sandbox: shown(compiled.upstream.sandbox),
      production: shown(compiled.upstream.production),
    },
    operations: compiled.documentation.map((operation) => ({
      ...operation,
      ...rulesOf(compiled.operations.find((o) => o.operationId === operation.operationId)),
    })),
    schemas: compiled.schemas,
  }
}

/** Purposes of one basis together, in the order of the manifest; what is not allowed is not told. */
function basesOfScope([scope, { purposes, other }]: [string, ScopeBases]): ScopeBasis {
  const groups = new Map<string, ScopeBasis['bases'][number]>()
  for (const [purpose, basis] of Object.entries(purposes)) {
    if (basis.basis === 'not-allowed') continue
    const key = JSON.stringify(basis)
    const group = groups.get(key) ?? { ...basis, purposes: [] }
    groups.set(key, { ...group, purposes: [...(group.purposes ?? []), purpose] })
  }
  const rest = other === undefined || other.basis === 'not-allowed' ? [] : [{ ...other }]
  return { scope, bases: [...groups.values(), ...rest] }
}

/** What of the operator's decisions a caller must know: not how upstreams are treated. */
function rulesOf(operation: SnapshotOperation | undefined): { rules?: OperationRules } {
  if (operation?.terms === undefined) return {}
  const { masks, credentials, responses: _r, subject: _s, resource: _o, ...plain } = operation.terms
  const { cachePersonal: _p, named: _n, ...shown } = plain
  return {
    rules: {
      ...shown,
      ...(credentials !== undefined && { credentials: [...credentials] }),
      ...(masks !== undefined && {
        masks: masks.map(({ revealedBy, ...mask }) => ({
          ...mask,
          ...(revealedBy !== undefined && { revealedBy: [...revealedBy] }),
        })),
      }),
    },
  }
}

/**
 * What a gateway of an environment serves; undefined for a draft.
 * @param apis what the versions that it may speak of say of things, itself among them
 */
export function toEntry(
  row: VersionRow,
  environment: Environment,
  apis: readonly ThingsOfApi[],
): ApiEntry | undefined {
  if (row.lifecycle === 'draft') return undefined
  const { compiled } = row
  const { operations, openThings = [] } = compiled
  const known = withKnownKinds(row.name, operations, openThings, knownKinds(apis))
  const bare = (schema: unknown): JsonSchema => withoutAnnotations(schema) as JsonSchema
  return {
    kind: 'api',
    id: row.id,
    name: row.name,
    version: row.version,
    title: row.title,
    domain: row.domain,
    lifecycle: row.lifecycle,
    owner: compiled.owner,
    basePath: compiled.basePath,
    profile: compiled.profile,
    consent: compiled.consent,
    ...(compiled.bases !== undefined && { bases: compiled.bases }),
    rate: compiled.rate,
    upstream: toUpstream(compiled.upstream[environment], environment, compiled.timeoutMs),
    ...retirementOf(row),
    ...(compiled.cors !== undefined && { cors: compiled.cors }),
    operations: known.map((operation) => ({
      ...operation,
      parameters: operation.parameters.map((p) => ({ ...p, schema: bare(p.schema) })),
      requestBody: operation.requestBody && {
        ...operation.requestBody,
        content: mapValues(operation.requestBody.content, bare),
      },
      responses: operation.responses.map((response) => ({
        ...response,
        content: mapValues(response.content, bare),
      })),
    })),
    schemas: mapValues(compiled.schemas, bare),
  }
}
