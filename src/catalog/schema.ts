import { type Static, Type } from 'typebox'

export const Domain = Type.Union([
  Type.Literal('Identity'),
  Type.Literal('Location'),
  Type.Literal('Billing'),
  Type.Literal('Communication'),
  Type.Literal('Connectivity'),
])
export type Domain = Static<typeof Domain>

export const Lifecycle = Type.Union([
  Type.Literal('draft'),
  Type.Literal('published'),
  Type.Literal('deprecated'),
  Type.Literal('retired'),
])
export type Lifecycle = Static<typeof Lifecycle>

/** One fault of a document or a manifest: which file, which line and column (from 1), and what to do. */
export const DocumentFault = Type.Object({
  file: Type.String(),
  line: Type.Integer(),
  column: Type.Integer(),
  path: Type.String(),
  message: Type.String(),
})
export type DocumentFault = Static<typeof DocumentFault>

const literals = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))))

/** What the operator decided about an operation and a caller must know; what is absent is the default. */
export const OperationRules = Type.Object({
  credentials: Type.Optional(Type.Array(literals(['access-token', 'api-key']))),
  clientCertificate: Type.Optional(Type.Boolean()),
  senderConstrained: Type.Optional(Type.Boolean()),
  weight: Type.Optional(Type.Integer()),
  timeoutMs: Type.Optional(Type.Integer()),
  safe: Type.Optional(Type.Boolean()),
  cacheSeconds: Type.Optional(Type.Integer()),
  idempotency: Type.Optional(literals(['optional', 'required', 'none'])),
  masks: Type.Optional(
    Type.Array(
      Type.Object({
        field: Type.String(),
        action: literals(['remove', 'mask', 'hash', 'coarsen', 'pass']),
        gridMetres: Type.Optional(Type.Integer()),
        revealedBy: Type.Optional(Type.Array(Type.String())),
      }),
    ),
  ),
})
export type OperationRules = Static<typeof OperationRules>

export const OperationSummary = Type.Object({
  operationId: Type.String(),
  method: Type.String(),
  path: Type.String(),
  summary: Type.String(),
  description: Type.String(),
  scopes: Type.Array(Type.Array(Type.String())),
  deprecated: Type.Boolean(),
  rules: Type.Optional(OperationRules),
  parameters: Type.Array(
    Type.Object({
      name: Type.String(),
      in: Type.String(),
      required: Type.Boolean(),
      description: Type.String(),
      schema: Type.Unknown(),
    }),
  ),
  requestBody: Type.Optional(
    Type.Object({
      required: Type.Boolean(),
      mediaType: Type.String(),
      schema: Type.Unknown(),
      example: Type.Unknown(),
    }),
  ),
  responses: Type.Array(
    Type.Object({
      status: Type.String(),
      description: Type.String(),
      mediaType: Type.Optional(Type.String()),
      schema: Type.Optional(Type.Unknown()),
      /** every documented example, by name: the error codes of the standard among them */
      examples: Type.Array(Type.Object({ name: Type.String(), value: Type.Unknown() })),
    }),
  ),
})
export type OperationSummary = Static<typeof OperationSummary>

export const ApiSummary = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  fullVersion: Type.String(),
  title: Type.String(),
  summary: Type.String(),
  domain: Domain,
  lifecycle: Lifecycle,
  owner: Type.Object({ team: Type.String(), contact: Type.String() }),
  plans: Type.Array(Type.String()),
  consent: Type.String(),
  publishedAt: Type.String({ format: 'date-time' }),
  /** there when the version comes to its end, or has ended */
  retirement: Type.Optional(
    Type.Object({
      deprecatedAt: Type.Optional(Type.String({ format: 'date-time' })),
      sunsetAt: Type.Optional(Type.String({ format: 'date-time' })),
      successor: Type.Optional(Type.String()),
    }),
  ),
})
export type ApiSummary = Static<typeof ApiSummary>

/** For which purposes a scope may be asked for, and on which basis. */
export const ScopeBasis = Type.Object({
  scope: Type.String(),
  bases: Type.Array(
    Type.Object({
      basis: Type.String(),
      /** absent: every other known purpose */
      purposes: Type.Optional(Type.Array(Type.String())),
      expiresAfterDays: Type.Optional(Type.Integer()),
      maxTokens: Type.Optional(Type.Integer()),
    }),
  ),
})
export type ScopeBasis = Static<typeof ScopeBasis>

/** A purpose of the Data Privacy Vocabulary. */
export const Purpose = Type.Object({ id: Type.String(), title: Type.String() })
export type Purpose = Static<typeof Purpose>

export const ApiVersion = Type.Intersect([
  ApiSummary,
  Type.Object({
    legalBases: Type.Array(ScopeBasis),
    description: Type.String(),
    basePath: Type.String(),
    sla: Type.Object({ availability: Type.String(), latencyMs: Type.Integer() }),
    upstreams: Type.Record(Type.String(), Type.String()),
    operations: Type.Array(OperationSummary),
    /** JSON Schemas that the operations refer to as `#/$defs/Name` */
    schemas: Type.Record(Type.String(), Type.Unknown()),
  }),
])
export type ApiVersion = Static<typeof ApiVersion>

/** An API and its versions, oldest first. */
export const Api = Type.Object({
  name: Type.String(),
  title: Type.String(),
  domain: Domain,
  versions: Type.Array(ApiSummary),
})
export type Api = Static<typeof Api>

/** What came of `POST /apis`. */
export const PublishedApi = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  lifecycle: Lifecycle,
  /** false when exactly these two texts were published before */
  changed: Type.Boolean(),
  /** what does not keep an API from being published: examples that are not what their schema says, for the most part */
  warnings: Type.Array(DocumentFault),
})
export type PublishedApi = Static<typeof PublishedApi>

const Instant = Type.String({ format: 'date-time' })

/**
 * Deprecating names `sunsetAt`, when the version stops to answer; it begins now unless `deprecatedAt` says otherwise.
 * `successor` is another API version, such as `sim-swap/v3`.
 */
export const LifecycleChange = Type.Object(
  {
    state: Lifecycle,
    deprecatedAt: Type.Optional(Instant),
    sunsetAt: Type.Optional(Instant),
    successor: Type.Optional(Type.String({ maxLength: 100, pattern: '^[\\w.-]+/[\\w.-]+$' })),
  },
  { additionalProperties: false },
)
export type LifecycleChange = Static<typeof LifecycleChange>

/** What came of a change of the lifecycle; warnings say what is allowed and hard on partners. */
export const ChangedApi = Type.Intersect([
  ApiSummary,
  Type.Object({ warnings: Type.Array(Type.String()) }),
])
export type ChangedApi = Static<typeof ChangedApi>

/** `document` and `product` are the texts of the two files: YAML or JSON. */
export const NewApi = Type.Object(
  {
    document: Type.String({ maxLength: 2_000_000 }),
    product: Type.String({ maxLength: 100_000 }),
  },
  { additionalProperties: false },
)
export type NewApi = Static<typeof NewApi>
