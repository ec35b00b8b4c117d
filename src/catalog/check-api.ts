import { apiAddress } from './api-address.ts'
import { checkComparison, checkDecisions } from './check-decisions.ts'
import { checkConsentScopes } from './check-legal-basis.ts'
import { checkHeader, checkOperations, checkParameter } from './check-operations.ts'
import { checkReferences } from './check-references.ts'
import { checkSchemas } from './check-schemas.ts'
import { checkScopes, checkSecurity } from './check-security.ts'
import { checkSecurityScheme, checkStructure } from './check-structure.ts'
import { compileApi } from './compile-api.ts'
import { compileRetirement } from './compile-decisions.ts'
import type { CompiledApi } from './compiled-api.ts'
import { decideLifecycle } from './decide-lifecycle.ts'
import { type CheckedFile, checkedFile } from './faults.ts'
import { isRecord } from './json.ts'
import { noteDerived } from './note-derived.ts'
import type { ProductFile } from './product-schema.ts'
import { checkOperationNames, readProduct } from './read-product.ts'
import type { DocumentFault } from './schema.ts'
import { walkDocument } from './walk-document.ts'

/** The texts of the two files, and the names that faults call them by. */
export type ApiFiles = {
  document: string
  product: string
  documentName?: string
  productName?: string
}

/** `notes` say what publishing derives of the document where the manifest says nothing. */
export type CheckResult = { warnings: DocumentFault[]; notes: DocumentFault[] } & (
  | { ok: true; api: CompiledApi; documentJson: string }
  | { ok: false; faults: DocumentFault[] }
)

const longestDocument = 2_000_000
const longestProduct = 100_000

/**
 * Checks the two files of an API and compiles them. Every fault is found in one go, with file, line and column.
 * Nothing is fetched, read or written; the same files give the same result.
 * @param now judges the dates of a manifest as publishing a version that is new would; whoever knows what the catalog
 *   has already leaves it out and decides that then
 */
export async function checkApi(files: ApiFiles, now?: Date): Promise<CheckResult> {
  const names = {
    document: files.documentName ?? 'openapi.yaml',
    product: files.productName ?? 'product.yaml',
  }
  const tooLong = [
    ...sizeFault(names.document, files.document, longestDocument),
    ...sizeFault(names.product, files.product, longestProduct),
  ]
  if (tooLong.length > 0) return { ok: false, faults: tooLong, warnings: [], notes: [] }
  const document = checkedFile(names.document, files.document)
  const manifest = checkedFile(names.product, files.product)
  let api: CompiledApi | undefined
  try {
    api = await checkFiles(document, manifest, now)
  } catch (error) {
    // The stack ends before memory does: a document that exhausts it is refused like any other that is too much.
    if (!(error instanceof RangeError)) throw error
    document.fault([], 'is nested or linked too deeply to be checked')
  }
  const warnings = [...document.warnings(), ...manifest.warnings()]
  const faults = [...document.faults(), ...manifest.faults()]
  const notes = document.notes()
  if (api === undefined || faults.length > 0) return { ok: false, faults, warnings, notes }
  return { ok: true, api, documentJson: JSON.stringify(document.value), warnings, notes }
}

async function checkFiles(
  document: CheckedFile,
  manifest: CheckedFile,
  now: Date | undefined,
): Promise<CompiledApi | undefined> {
  // After a fault of syntax nobody knows what is missing and what could not be read.
  const readable = !manifest.faulty
  const { product, dropped } = readProduct(manifest)
  const whole = readable && dropped.size === 0
  if (now !== undefined && readable && !dropped.has('state') && !dropped.has('deprecation')) {
    const { state, deprecation } = product
    decideLifecycle({ state, retirement: compileRetirement(deprecation) }, undefined, now, manifest)
  }
  const version = await checkStructure(document)
  if (version === undefined) return undefined
  walkDocument(document.value, (kind, value, path) => {
    if (kind === 'parameter') checkParameter(document, value, path)
    if (kind === 'header') checkHeader(document, value, path)
    if (kind === 'securityScheme') checkSecurityScheme(document, value, path)
  })
  checkReferences(document)
  const operations = checkOperations(document)
  checkSecurity(document, operations)
  if (whole) checkScopes(document, operations, product)
  checkSchemas(document, version)
  const address = apiAddress(document, manifest, named(manifest, product, dropped))
  checkOperationNames(
    manifest,
    operations.map(({ operation }) => String(operation.operationId)),
  )
  if (document.faulty) return undefined
  // Compiled even when the manifest is faulty: compiling finds faults of the document that nothing else does.
  const api = compileApi({
    file: document,
    version,
    operations,
    product,
    address: address ?? { name: 'unknown', version: 'v0.0' },
  })
  if (!document.faulty) {
    checkDecisions(manifest, api, whole)
    if (whole) checkConsentScopes(manifest, product.consent, api.scopes)
    checkComparison(manifest, api)
    noteDerived(document, api.operations, api.schemas)
  }
  return api
}

/** A name that is at fault is not looked for in the document as well. */
const named = (
  manifest: CheckedFile,
  product: ProductFile,
  dropped: ReadonlySet<string>,
): ProductFile => ({
  ...product,
  ...((dropped.has('name') || !isRecord(manifest.value)) && { name: 'unknown' }),
  ...((dropped.has('version') || !isRecord(manifest.value)) && { version: 'v0.0' }),
})

function sizeFault(file: string, text: string, longest: number): DocumentFault[] {
  if (text.length <= longest) return []
  const message = `has ${text.length} characters: at most ${longest} are read`
  return [{ file, line: 1, column: 1, path: '#', message }]
}
