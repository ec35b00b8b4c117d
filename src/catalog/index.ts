export type { CatalogNeeds } from './announce-retirement.ts'
export type { ApiFiles, CheckResult } from './check-api.ts'
export { type Checker, createChecker } from './checker.ts'
export type { CompiledApi } from './compiled-api.ts'
export { type Catalog, createCatalog, type PublishedApiTerms } from './create-catalog.ts'
export { isDpvPurpose } from './dpv-purposes.ts'
export type {
  ApiEntry,
  ApiUpstream,
  ConsentBasis,
  FieldMask,
  FunctionTarget,
  JsonSchema,
  LegalBasis,
  OperationTerms,
  ResourceRule,
  Retirement,
  ScopeBases,
  SnapshotExample,
  SnapshotOperation,
  SnapshotParameter,
  SnapshotResponse,
  SubjectRule,
  UpstreamCare,
  UpstreamTarget,
} from './entry.ts'
export { type BasisOfScope, createLegalBases, type LegalBases } from './legal-basis.ts'
export type { PackResult } from './load-pack.ts'
export type { PublishResult } from './publish-api.ts'
export { type ApiFolder, readApiFolder } from './read-api-folder.ts'
export type { ApiSummary, ApiVersion, DocumentFault } from './schema.ts'
