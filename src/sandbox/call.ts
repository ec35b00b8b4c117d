import type { ApiEntry } from '#snapshot'
import type { DocumentedOperation } from './documented-operation.ts'
import type { Outcome } from './outcome.ts'

/** One call of the sandbox gateway, read and matched to a published operation. */
export type Call = {
  api: ApiEntry
  documented: DocumentedOperation
  /** whose state it touches */
  applicationId: string
  /** the subscriber of a 3-legged token, whom the request must not name */
  subject: string | undefined
  pathParameters: Readonly<Record<string, string>>
  query: string
  /** the parsed JSON; undefined when there was no body */
  body: unknown
  now: Date
}

/** How an operation is simulated. */
export type Simulation = (call: Call) => Outcome | Promise<Outcome>
