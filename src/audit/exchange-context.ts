import type { ExchangeFacts, Json } from './evidence.ts'

type Legal = NonNullable<ExchangeFacts['legal']>

/** One call about a person, as its record in the log says it: nothing that leads to the subscriber. */
export type ExchangeRecordFacts = Omit<ExchangeFacts, 'at' | 'subject' | 'tokenId' | 'legal'> &
  Partial<Pick<Legal, 'basis' | 'purpose' | 'scopes'>> & { at: string }

/** Its personal values, as they were opened. */
export type ExchangePersonal = {
  subject?: string
  token?: string
  grant?: string
  consents?: string[]
}

/** What other modules know about a call, as far as it still can be told. @public */
export type ExchangeContext = {
  partner?: string | undefined
  application?: string | undefined
  /** title of the API */
  api?: string | undefined
  contract?:
    | {
        plan: string
        since: string
        agreement?: { id: string; name: string; version: number; sha256: string } | undefined
      }
    | undefined
  /** consent records by the fields of ISO/IEC TS 27560, with the texts that were shown */
  consents: readonly Json[]
  notices: readonly { hash: string; locale: string; content: string }[]
  /** the rules that let it pass, each with what it asks */
  rules: readonly { rule: string; asks: string }[]
  /** what the rule asks that refused it */
  refusal?: string | undefined
}

/** @public */
export type DescribeExchange = (
  record: ExchangeRecordFacts,
  consentIds: readonly string[],
) => Promise<ExchangeContext>

export const nothingKnown: ExchangeContext = { consents: [], notices: [], rules: [] }
