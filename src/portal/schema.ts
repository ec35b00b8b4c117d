import { type Static, Type } from 'typebox'

/** What a reader may ask the explorer to run; the server makes both requests itself. */
export const TryIt = Type.Object(
  {
    apiId: Type.String({ minLength: 3, maxLength: 160 }),
    operationId: Type.String({ minLength: 1, maxLength: 160 }),
    /** values of path, query and header parameters, by name */
    parameters: Type.Optional(
      Type.Record(Type.String({ maxLength: 120 }), Type.String({ maxLength: 2_048 }), {
        maxProperties: 40,
      }),
    ),
    body: Type.Optional(Type.Unknown()),
    /** a sandbox application of the reader's own; without it the portal's guest application calls */
    applicationId: Type.Optional(Type.String({ maxLength: 64 })),
    correlator: Type.Optional(Type.String({ pattern: '^[a-zA-Z0-9\\-_:;./<>{}]{1,256}$' })),
  },
  { additionalProperties: false },
)
export type TryIt = Static<typeof TryIt>

const Headers = Type.Record(Type.String(), Type.String())
const SentRequest = Type.Object({
  method: Type.String(),
  url: Type.String(),
  headers: Headers,
  body: Type.Optional(Type.String()),
})

/** Both steps as they went over the wire; tokens and assertions are masked. */
export const TryItResult = Type.Object({
  as: Type.Union([Type.Literal('guest'), Type.Literal('application')]),
  clientId: Type.String(),
  token: Type.Object({
    request: SentRequest,
    status: Type.Integer(),
    ms: Type.Number(),
    /** the OAuth error when no token was given */
    error: Type.Optional(Type.String()),
    scope: Type.Optional(Type.String()),
    expiresIn: Type.Optional(Type.Number()),
  }),
  call: Type.Optional(
    Type.Object({
      request: SentRequest,
      status: Type.Integer(),
      headers: Headers,
      body: Type.String(),
      ms: Type.Number(),
      correlator: Type.String(),
      exchangeId: Type.Optional(Type.String()),
    }),
  ),
  /** the same call for a shell, with `YOUR_CLIENT_ID` and `YOUR_CLIENT_SECRET` to fill in */
  curl: Type.String(),
})
export type TryItResult = Static<typeof TryItResult>

const EnvironmentAddresses = Type.Object({
  gateway: Type.String(),
  gatewayTls: Type.String(),
  issuer: Type.String(),
  /** where clients show certificates to the issuer; not there when it takes none */
  issuerTls: Type.Optional(Type.String()),
})

/** Where everything is: the answer of `/.well-known/wayleave`. */
export const Discovery = Type.Object({
  name: Type.String(),
  version: Type.String(),
  portal: Type.String(),
  console: Type.String(),
  management: Type.String(),
  environments: Type.Object({ sandbox: EnvironmentAddresses, production: EnvironmentAddresses }),
})
export type Discovery = Static<typeof Discovery>

/*
 * The page model. It repeats the shape of what other modules answer instead of naming their types, so that a page
 * shows what it was given and `web` needs no other module's code; a type error in the portal tells when they part.
 */

/** A seeded subscriber of the simulated operator. */
export type TestNumber = {
  phoneNumber: string
  title: string
  behaviour: string
  kind: 'person' | 'failure'
}

export type ApiHead = {
  id: string
  name: string
  version: string
  fullVersion: string
  title: string
  summary: string
  domain: string
  lifecycle: 'draft' | 'published' | 'deprecated' | 'retired'
  owner: { team: string; contact: string }
  plans: string[]
  consent: string
  publishedAt: string
  retirement?: { deprecatedAt?: string; sunsetAt?: string; successor?: string }
}

export type OperationPage = {
  operationId: string
  method: string
  path: string
  summary: string
  description: string
  /** any one of these sets is enough */
  scopes: string[][]
  deprecated: boolean
  rules?: {
    credentials?: ('access-token' | 'api-key')[]
    clientCertificate?: boolean
    senderConstrained?: boolean
    weight?: number
    timeoutMs?: number
    safe?: boolean
    cacheSeconds?: number
    idempotency?: 'optional' | 'required' | 'none'
    masks?: {
      field: string
      action: 'remove' | 'mask' | 'hash' | 'coarsen' | 'pass'
      gridMetres?: number
      revealedBy?: string[]
    }[]
  }
  parameters: {
    name: string
    in: string
    required: boolean
    description: string
    schema: unknown
  }[]
  requestBody?: { required: boolean; mediaType: string; schema: unknown; example: unknown }
  responses: {
    status: string
    description: string
    mediaType?: string
    schema?: unknown
    examples: { name: string; value: unknown }[]
  }[]
}

export type ApiPage = ApiHead & {
  description: string
  basePath: string
  sla: { availability: string; latencyMs: number }
  /** for which purposes each scope may be asked for, and on which basis */
  legalBases: {
    scope: string
    bases: { basis: string; purposes?: string[]; expiresAfterDays?: number; maxTokens?: number }[]
  }[]
  upstreams: Record<string, string>
  operations: OperationPage[]
  /** JSON Schemas that operations refer to as `#/$defs/Name` */
  schemas: Record<string, unknown>
}

export type Theme = 'system' | 'light' | 'dark'

/** One coloured piece of code; `fill` marks a value that the reader's own replaces in the browser. */
export type CodeToken = { text: string; kind?: string; fill?: 'client-id' | 'client-secret' }
export type CodeBlock = { language: string; label: string; lines: CodeToken[][] }

/** Everything that the explorer of one operation needs in the browser. */
export type TryItTarget = {
  apiId: string
  operationId: string
  method: string
  path: string
  title: string
  parameters: {
    name: string
    in: string
    required: boolean
    value: string
    description: string
  }[]
  body: string | undefined
  subscribers: TestNumber[]
}

export type PlanPrice = { plan: string; amount: string }
export type ApiListing = ApiHead & {
  operations: { operationId: string; method: string; path: string; summary: string }[]
  prices: PlanPrice[]
}

export type ErrorPage = {
  code: string
  status: number | undefined
  retry: 'no' | 'yes' | 'later' | undefined
  meaning: string
  causes: string[]
  remedy: string
  example: CodeBlock | undefined
  /** operations that document it */
  documentedBy: { apiId: string; title: string; operationId: string; status: string }[]
}

export type ErrorRow = {
  code: string
  status: number
  retry: 'no' | 'yes' | 'later'
  meaning: string
}

export type UseCase = {
  id: string
  title: string
  problem: string
  outcome: string
  api: { name: string; version: string; title: string; operationId: string } | undefined
}

export type FormName =
  | 'sign-up'
  | 'sign-in'
  | 'recovery'
  | 'reset'
  | 'verify-email'
  | 'accept-invitation'

/** What a public page shows. The server decides it; `web/portal` renders it. */
export type Page =
  | {
      kind: 'home'
      useCases: UseCase[]
      apis: ApiListing[]
      live: TryItTarget | undefined
    }
  | { kind: 'catalog'; apis: ApiListing[]; query: string }
  | { kind: 'api'; api: ApiPage; prices: PlanPrice[]; otherVersions: ApiHead[] }
  | { kind: 'retired'; api: ApiHead; otherVersions: ApiHead[] }
  | {
      kind: 'operation'
      api: ApiPage
      operation: OperationPage
      prices: PlanPrice[]
      samples: CodeBlock[]
      responses: { status: string; block: CodeBlock }[]
      requestExample: CodeBlock | undefined
      tryIt: TryItTarget
      gateway: string
      tokenUrl: string
      knownCodes: string[]
    }
  | { kind: 'errors'; codes: ErrorRow[] }
  | { kind: 'error'; error: ErrorPage }
  | { kind: 'sandbox'; subscribers: TestNumber[] }
  | {
      kind: 'guide'
      samples: CodeBlock[]
      first: TryItTarget | undefined
      gateway: string
      tokenUrl: string
      openIdConfiguration: string
    }
  | { kind: 'form'; form: FormName }
  | { kind: 'not-found' }

/** What every page is rendered with, beside its own content. */
export type Site = {
  operatorName: string
  version: string
  currency: string
  theme: Theme
  /** whose session the browser holds */
  signedIn: 'partner' | 'operator' | undefined
  path: string
  scripts: string[]
  preloads: string[]
  styles: string[]
  fonts: string[]
}

/** What `dist/web/server` exports. */
export type Renderer = {
  renderPage(site: Site, page: Page): string
  markdownPage(site: Site, page: Page): string | undefined
}

export type SearchEntry = {
  id: string
  title: string
  text: string
  kind: 'API' | 'Operation' | 'Error' | 'Guide'
  url: string
}
