import { type Static, Type } from 'typebox'
import { closed, oneOf, wholeNumber } from './product-values.ts'

const Purposes = Type.Array(Type.String({ maxLength: 100 }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
  must: 'must list purposes such as `dpv:FraudPreventionAndDetection`, each once',
})
const days = wholeNumber(1, 3_650)
const tokens = wholeNumber(1, 1_000_000)

const Rule = Type.Object(
  {
    purposes: Type.Optional(Purposes),
    scopes: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        minItems: 1,
        maxItems: 100,
        uniqueItems: true,
        must: 'must list scopes of the document, each once',
      }),
    ),
    basis: oneOf(['contract', 'legitimate-interest', 'consent', 'not-allowed']),
    expiresAfterDays: Type.Optional(days),
    maxTokens: Type.Optional(tokens),
  },
  closed,
)

/**
 * The legal basis of processing: of the whole API, and where `rules` say otherwise, by scope and purpose. The first rule
 * that fits holds.
 */
export const ProductConsent = Type.Object(
  {
    basis: oneOf(['contract', 'legitimate-interest', 'consent']),
    /** what the API may be used for; absent: every known purpose */
    purposes: Type.Optional(Purposes),
    rules: Type.Optional(Type.Array(Rule, { minItems: 1, maxItems: 50 })),
    /** how long a consent lasts */
    expiresAfterDays: Type.Optional(days),
    /** how many tokens one consent is good for; 1 is "allow once" */
    maxTokens: Type.Optional(tokens),
  },
  closed,
)
export type ProductConsent = Static<typeof ProductConsent>
