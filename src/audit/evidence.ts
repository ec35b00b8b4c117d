import type { Environment } from '#platform/config'

/**
 * Whom evidence is about: the keyed pseudonym of a subscriber in one environment.
 * @public
 */
export type Subject = { environment: Environment; pseudonym: string }

/** A value of canonical JSON. @public */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined }

/**
 * What becomes one leaf. `record` is for everybody who may read evidence; whatever identifies somebody or leads from one
 * record of a person to another belongs into `personal`, which only a commitment of gets into the log.
 * @public
 */
export type NewEvidence = {
  /** `consent`, … : each has its own period of retention */
  kind: string
  /** unique within its kind: the same evidence twice is one leaf */
  id: string
  /** when it happened */
  at: Date
  record: { readonly [name: string]: Json | undefined }
  about?: { subject: Subject; personal: { readonly [name: string]: Json | undefined } } | undefined
  /** the thing that it tells of, and whether nothing more will be told of it: its period of retention begins then */
  thing?: { id: string; final: boolean } | undefined
  partnerId?: string | undefined
  applicationId?: string | undefined
}

/** What was committed to, as it was opened with the key of the subject. @public */
export type Opened = {
  /** base64url; SHA-256(salt "." canonical JSON of the values), in hex, is the commitment */
  salt: string
  /** canonical JSON */
  values: string
}

/**
 * One call about a person, as the journal has it: what its evidence is made of.
 * @public
 */
export type ExchangeFacts = {
  id: string
  at: number
  environment: Environment
  partnerId?: string | undefined
  applicationId?: string | undefined
  credentialId?: string | undefined
  contractId?: string | undefined
  apiId?: string | undefined
  operationId?: string | undefined
  method: string
  status: number
  code?: string | undefined
  refusedBy?: string | undefined
  reason?: string | undefined
  upstreamStatus?: number | undefined
  upstream?: string | undefined
  tier?: string | undefined
  credential?: string | undefined
  bound?: string | undefined
  subject?: string | undefined
  tokenId?: string | undefined
  rules?: number | undefined
  legal?:
    | {
        basis: string
        purpose?: string | undefined
        scopes?: readonly string[] | undefined
        consents?: readonly string[] | undefined
        grant?: string | undefined
      }
    | undefined
  idempotency?: string | undefined
  masked?: readonly string[] | undefined
  stripped?: boolean | undefined
  undocumented?: boolean | undefined
  requestBytes: number
  responseBytes: number
  units: number
  priceId?: string | undefined
}

/** Which journal segment it was. @public */
export type SegmentOrigin = {
  environment: Environment
  gatewayId: string
  boot: string
  sequence: number
  sha256: string
}

/**
 * Everything that shows one exchange to be in the log: the record is a leaf of the tree of its segment, whose root is in
 * `segment.record`, which is a leaf of the log.
 * @public
 */
export type ExchangeEvidence = {
  /** canonical JSON, as it was hashed */
  record: string
  /** undefined: nothing personal is in it */
  personal: Opened | 'erased' | undefined
  inner: { position: number; size: number; path: readonly Buffer[] }
  segment: { record: string; leafId: string; leafPosition: number }
}

/** Evidence of one leaf. @public */
export type SingleEvidence = {
  kind: string
  id: string
  at: Date
  /** canonical JSON, as it was hashed */
  record: string
  personal: Opened | 'erased' | undefined
  leafPosition: number
}
