import type { ApiAddress } from './api-address.ts'
import { checkClosed } from './check-closed.ts'
import type { OpenApiVersion } from './check-structure.ts'
import { createExampleChooser } from './choose-examples.ts'
import { compileRetirement, compileTerms } from './compile-decisions.ts'
import { compileLegalBases } from './compile-legal-basis.ts'
import { compileOperations, type OperationParts } from './compile-operations.ts'
import type { CompiledApi } from './compiled-api.ts'
import { deriveResources, nothingMakes, openIds, openThings } from './derive-resources.ts'
import { documentAddresses } from './document-addresses.ts'
import type { JsonSchema, OperationTerms, SnapshotOperation } from './entry.ts'
import type { CheckedFile } from './faults.ts'
import { recordOf, textOf } from './json.ts'
import type { OperationAt } from './operations.ts'
import type { ProductFile } from './product-schema.ts'
import type { OperationSummary } from './schema.ts'
import { compileValidators } from './schema-validators.ts'

/** Makes of a checked document and its manifest what is stored. Notes faults that only compiling shows. */
export function compileApi(options: {
  file: CheckedFile
  version: OpenApiVersion
  operations: readonly OperationAt[]
  product: ProductFile
  address: ApiAddress
}): CompiledApi {
  const { file, product, address } = options
  const { parts, converted, uses } = compileOperations(file, options.version, options.operations)
  const judgeOf = compileValidators(file, converted, uses)
  const schemas: Record<string, JsonSchema> = {}
  for (const [name, { schema }] of converted.definitions) schemas[name] = schema
  const choose = createExampleChooser(file, schemas, judgeOf)
  const compiled = parts.map((part) => {
    const scopes = product.scopes?.[part.operationId] ?? part.scopes
    const billable = product.billable?.[part.operationId] ?? 'success'
    const decided = { billable, terms: compileTerms(product.operations?.[part.operationId]) }
    return describe({ ...part, scopes }, decided, choose(part))
  })
  const served = deriveResources(
    compiled.map(({ entry }) => entry),
    schemas,
  )
  for (const { path, parameter } of openIds(served))
    file.warn(['paths', path], nothingMakes(parameter))
  const decisions = decisionsOf(product, file)
  if (!file.faulty)
    checkClosed(file, { profile: decisions.profile, schemas, operations: served }, parts)
  const info = recordOf(recordOf(file.value).info)
  const description = textOf(info.description)
  const scopes = [...new Set(compiled.flatMap(({ entry }) => entry.scopes.flat()))].toSorted()
  const { consent, bases } = compileLegalBases(product.consent, scopes)
  return {
    id: `${address.name}/${address.version}`,
    ...address,
    fullVersion: textOf(info.version),
    title: textOf(info.title),
    summary: textOf(info.summary) || firstParagraph(description),
    description,
    basePath: `/${address.name}/${address.version}`,
    ...decisions,
    consent,
    bases,
    scopes,
    operations: served,
    documentation: compiled.map(({ documentation }) => documentation),
    openThings: openThings(served),
    schemas,
    addresses: documentAddresses(file),
  }
}

function describe(
  part: OperationParts,
  decided: { billable: SnapshotOperation['billable']; terms: OperationTerms | undefined },
  chosen: ReturnType<ReturnType<typeof createExampleChooser>>,
): { entry: SnapshotOperation; documentation: OperationSummary } {
  const { operation, method, template } = part.at
  const { request } = chosen
  const entry: SnapshotOperation = {
    operationId: part.operationId,
    method: method.toUpperCase() as SnapshotOperation['method'],
    path: template,
    scopes: part.scopes,
    parameters: part.parameters.map(({ description: _, ...parameter }) => parameter),
    requestBody: part.requestBody && {
      required: part.requestBody.required,
      content: byMediaType(part.requestBody.content),
    },
    responses: part.responses.map(({ status, content, headers }) => ({
      status,
      content: byMediaType(content),
      headers: headers.map(({ name }) => name),
    })),
    examples: chosen.served,
    requestExample: request?.examples[0]?.value,
    billable: decided.billable,
    ...(decided.terms !== undefined && { terms: decided.terms }),
  }
  const documentation: OperationSummary = {
    operationId: part.operationId,
    method: entry.method,
    path: template,
    summary: textOf(operation.summary),
    description: textOf(operation.description),
    scopes: part.scopes,
    deprecated: operation.deprecated === true,
    parameters: part.parameters.map(({ style: _s, explode: _e, ...parameter }) => parameter),
    ...(request !== undefined && {
      requestBody: {
        required: part.requestBody?.required === true,
        mediaType: request.mediaType,
        schema: request.schema,
        example: request.examples[0]?.value ?? null,
      },
    }),
    responses: part.responses.map(({ status, description }, index) => {
      const { content, examples } = chosen.responses[index] ?? { content: undefined, examples: [] }
      return {
        status,
        description,
        ...(content !== undefined && { mediaType: content.mediaType, schema: content.schema }),
        examples,
      }
    }),
  }
  return { entry, documentation }
}

const byMediaType = (
  content: readonly { mediaType: string; schema: JsonSchema }[],
): Record<string, JsonSchema> =>
  Object.fromEntries(content.map(({ mediaType, schema }) => [mediaType, schema]))

/** What product.yaml says, with the defaults that its documentation promises. */
function decisionsOf(product: ProductFile, file: CheckedFile) {
  return {
    state: product.state,
    domain: product.domain,
    owner: product.owner,
    plans: product.plans ?? ['free', 'paid', 'enterprise'],
    prices: product.prices ?? {},
    sla: {
      availability: product.sla?.availability ?? '99.9',
      latencyMs: product.sla?.latencyMs ?? 300,
    },
    rate: product.limits?.rate ?? [],
    timeoutMs: product.timeoutMs ?? 10_000,
    upstream: {
      sandbox: product.upstream?.sandbox ?? 'simulated',
      production: product.upstream?.production,
    },
    retirement: compileRetirement(product.deprecation),
    cors: product.cors && { maxAgeSeconds: 600, ...product.cors },
    profile: product.profile ?? profileOf(file),
  }
}

/** The profile of CAMARA Commonalities that a document says it follows; 0.7 began the strictness of 0.8. */
function profileOf(file: CheckedFile): '0.6' | '0.8' {
  const stated = String(recordOf(file.value)['x-camara-commonalities'] ?? '')
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(stated) ?? []
  return Number(major) >= 1 || Number(minor) >= 7 ? '0.8' : '0.6'
}

/** The first paragraph of a markdown text that is not a heading, as plain text. */
function firstParagraph(markdown: string): string {
  const paragraph = markdown
    .split(/\n\s*\n/)
    .map((block) => block.replace(/^#+ .*$/gm, '').trim())
    .find((block) => block !== '' && !/^([-*|>]|\d+\.)/.test(block))
  const plain = (paragraph ?? '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  return plain.length <= 300 ? plain : `${plain.slice(0, 299).replace(/\s+\S*$/, '')}…`
}
