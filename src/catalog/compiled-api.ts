import type { CompiledUpstream } from './compile-decisions.ts'
import type {
  ConsentBasis,
  JsonSchema,
  Retirement,
  ScopeBases,
  SnapshotOperation,
} from './entry.ts'
import type { Domain, Lifecycle, OperationSummary } from './schema.ts'
import type { OpenThing } from './things-of-apis.ts'

/**
 * Raised when the compiler makes something else of the same document: what is stored is then compiled again.
 */
export const compilerVersion = 4

/** An API version as it is stored: what readers see and what gateways serve, without a place to look anything up. */
export type CompiledApi = {
  id: string
  name: string
  version: string
  fullVersion: string
  title: string
  summary: string
  description: string
  basePath: string
  profile: '0.6' | '0.8'
  /** undefined when product.yaml does not say: the state that the API has then stays */
  state: Lifecycle | undefined
  domain: Domain
  owner: { team: string; contact: string }
  plans: string[]
  prices: Record<string, string>
  sla: { availability: string; latencyMs: number }
  rate: { limit: number; windowSeconds: number }[]
  /** the strictest of `bases` */
  consent: ConsentBasis
  /** by scope; absent where an older compiler made it */
  bases?: Record<string, ScopeBases> | undefined
  timeoutMs: number
  upstream: { sandbox: CompiledUpstream; production?: CompiledUpstream | undefined }
  /** what product.yaml says of the end of this version; undefined: what it has then stays */
  retirement?: Retirement | undefined
  cors?: { origins: string[]; maxAgeSeconds: number } | undefined
  /** every scope that an operation asks for */
  scopes: string[]
  operations: SnapshotOperation[]
  documentation: OperationSummary[]
  /** ids in paths of which only the catalog as a whole may know what they name */
  openThings?: OpenThing[] | undefined
  schemas: Record<string, JsonSchema>
  /** where the text of the document says its own address: replaced by the gateway's when it is read */
  addresses: { start: number; end: number; what: 'apiRoot' | 'url' }[]
}
