import { type Static, Type } from 'typebox'
import { byName, closed, FieldPath, oneOf, text, wholeNumber } from './product-values.ts'

const Scope = Type.String({ minLength: 1, maxLength: 256 })

const Mask = Type.Object(
  {
    field: FieldPath,
    action: oneOf(['remove', 'mask', 'hash', 'coarsen', 'pass']),
    gridMetres: Type.Optional(wholeNumber(1, 1_000_000)),
    revealedBy: Type.Optional(Type.Array(Scope, { minItems: 1, maxItems: 20, uniqueItems: true })),
  },
  closed,
)

const Subject = Type.Object(
  {
    kind: oneOf(['identifier', 'compared', 'always', 'none']),
    field: Type.Optional(FieldPath),
  },
  closed,
)

/** The thing of another API has that API's name before it: `carrier-billing/payment`. */
const ResourceName = text(
  'must be kebab-case, such as `payment`, or `carrier-billing/payment` for that of another API',
  '^[a-z][a-z0-9]*(-[a-z0-9]+)*(/[a-z][a-z0-9]*(-[a-z0-9]+)*)?$',
  130,
)

const Resource = Type.Object(
  {
    role: oneOf(['create', 'access', 'list']),
    name: ResourceName,
    field: Type.Optional(FieldPath),
    parameter: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    items: Type.Optional(
      Type.Union([Type.Literal(''), FieldPath], {
        must: 'must be the field path of a list, or empty when the body itself is the list',
      }),
    ),
    within: Type.Optional(
      Type.Object(
        { name: ResourceName, parameter: Type.String({ minLength: 1, maxLength: 200 }) },
        closed,
      ),
    ),
  },
  closed,
)

/** What a manifest may say of one operation. @see OperationTerms for what each key means */
export const OperationDecision = Type.Object(
  {
    credentials: Type.Optional(
      Type.Array(oneOf(['access-token', 'api-key']), { minItems: 1, uniqueItems: true }),
    ),
    clientCertificate: Type.Optional(Type.Boolean()),
    senderConstrained: Type.Optional(Type.Boolean()),
    weight: Type.Optional(wholeNumber(1, 1_000)),
    responses: Type.Optional(oneOf(['report', 'strip', 'refuse'])),
    timeoutMs: Type.Optional(wholeNumber(100, 60_000)),
    safe: Type.Optional(Type.Boolean()),
    cacheSeconds: Type.Optional(wholeNumber(1, 86_400)),
    cachePersonal: Type.Optional(Type.Boolean()),
    idempotency: Type.Optional(oneOf(['optional', 'required', 'none'])),
    subject: Type.Optional(Subject),
    masks: Type.Optional(Type.Array(Mask, { maxItems: 100 })),
    resource: Type.Optional(Resource),
  },
  closed,
)
export type OperationDecision = Static<typeof OperationDecision>

/** By operationId. */
export const OperationDecisions = byName(OperationDecision)
