import { type Static, Type } from 'typebox'
import { ProductConsent } from './product-consent.ts'
import { OperationDecisions } from './product-operations.ts'
import { Cors, Deprecation } from './product-retirement.ts'
import { Upstreams } from './product-upstream.ts'
import { byName, closed, Line, text } from './product-values.ts'
import { Domain, Lifecycle } from './schema.ts'

const Decimal = text(
  'must be a decimal number such as "0.0200", with at most 6 digits on each side',
  '^[0-9]{1,6}(\\.[0-9]{1,6})?$',
)
const tiers = ['free', 'paid', 'enterprise'] as const
const Tier = Type.Union(tiers.map((tier) => Type.Literal(tier)))
const ScopeSet = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
  minItems: 1,
  must: 'needs at least one scope: without any, every valid token would do',
})

/** `product.yaml`: what an operator decides about an API that its document does not say. */
export const ProductFile = Type.Object(
  {
    domain: Domain,
    owner: Type.Object({ team: Line, contact: Line }, closed),
    name: Type.Optional(
      text('must be kebab-case, at most 64 characters', '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', 64),
    ),
    version: Type.Optional(
      text(
        'must be a version of a URL: `v2`, `v0.5`, `v0.1alpha1`, `v1rc2` or `vwip`',
        '^(v(0\\.(0|[1-9][0-9]*)|0(?=alpha|rc)|[1-9][0-9]*)((alpha|rc)[0-9]+)?|vwip)$',
        32,
      ),
    ),
    state: Type.Optional(Lifecycle),
    plans: Type.Optional(Type.Array(Tier, { minItems: 1, uniqueItems: true })),
    prices: Type.Optional(
      Type.Object(
        {
          free: Type.Optional(Decimal),
          paid: Type.Optional(Decimal),
          enterprise: Type.Optional(Decimal),
        },
        closed,
      ),
    ),
    sla: Type.Optional(
      Type.Object(
        {
          availability: Type.Optional(
            text(
              'must be a percentage such as "99.9"',
              '^(100(\\.0+)?|[0-9]{1,2}(\\.[0-9]{1,4})?)$',
            ),
          ),
          latencyMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })),
        },
        closed,
      ),
    ),
    limits: Type.Optional(
      Type.Object(
        {
          rate: Type.Array(
            Type.Object(
              {
                limit: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
                windowSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
              },
              closed,
            ),
            { minItems: 1, maxItems: 4 },
          ),
        },
        closed,
      ),
    ),
    upstream: Type.Optional(Upstreams),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 60_000 })),
    consent: Type.Optional(ProductConsent),
    profile: Type.Optional(Type.Union([Type.Literal('0.6'), Type.Literal('0.8')])),
    scopes: Type.Optional(
      byName(
        Type.Array(ScopeSet, {
          minItems: 1,
          must: 'needs a set of scopes: without any, every valid token would do',
        }),
      ),
    ),
    billable: Type.Optional(byName(Type.Union([Type.Literal('success'), Type.Literal('never')]))),
    operations: Type.Optional(OperationDecisions),
    deprecation: Type.Optional(Deprecation),
    cors: Type.Optional(Cors),
  },
  closed,
)
export type ProductFile = Static<typeof ProductFile>

/** Where a number may stand for its decimal text: `0.02` and `"0.02"` are the same price. */
export const decimalPaths: readonly (readonly string[])[] = [
  ...tiers.map((tier) => ['prices', tier]),
  ['sla', 'availability'],
  ['profile'],
]
