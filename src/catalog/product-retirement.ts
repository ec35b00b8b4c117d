import { type Static, Type } from 'typebox'
import { closed, text, wholeNumber } from './product-values.ts'

/** RFC 3339 with a zone: a date without one would end a version at another hour for each reader. */
export const Instant = text(
  'must be a date and time with a zone, such as "2027-06-30T22:00:00Z"',
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$',
  40,
)

export const Successor = text(
  'must be an API version such as `sim-swap/v3`',
  '^[a-z][a-z0-9]*(-[a-z0-9]+)*/v[a-z0-9.]+$',
  100,
)

export const Deprecation = Type.Object(
  {
    deprecatedAt: Type.Optional(Instant),
    sunsetAt: Type.Optional(Instant),
    successor: Type.Optional(Successor),
  },
  { ...closed, minProperties: 1, must: 'needs `deprecatedAt`, `sunsetAt` or `successor`' },
)
export type Deprecation = Static<typeof Deprecation>

/** Whether an origin is one that browsers send is checked apart (@see check-product.ts). */
export const Cors = Type.Object(
  {
    origins: Type.Array(Type.String({ minLength: 1, maxLength: 300 }), {
      minItems: 1,
      maxItems: 100,
      uniqueItems: true,
    }),
    maxAgeSeconds: Type.Optional(wholeNumber(0, 86_400)),
  },
  closed,
)
