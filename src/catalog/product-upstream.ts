import { type Static, type TSchema, Type } from 'typebox'
import { byName, closed, FieldPath, percent, text, Url, wholeNumber } from './product-values.ts'

const UrlPath = text(
  'must be a path that begins with `/`, without query or fragment',
  '^/[^\\s?#]*$',
  500,
)

const Target = Type.Object({ url: Url, weight: Type.Optional(wholeNumber(0, 1_000)) }, closed)

const FunctionName = text('must be the name or the ARN of a function', '^[A-Za-z0-9:_-]{1,200}$')

const care = {
  health: Type.Optional(
    Type.Object(
      {
        path: UrlPath,
        intervalSeconds: Type.Optional(wholeNumber(1, 3_600)),
        timeoutMs: Type.Optional(wholeNumber(50, 60_000)),
        unhealthyAfter: Type.Optional(wholeNumber(1, 100)),
      },
      closed,
    ),
  ),
  breaker: Type.Optional(
    Type.Object(
      {
        failures: Type.Optional(wholeNumber(1, 1_000)),
        openSeconds: Type.Optional(wholeNumber(1, 3_600)),
      },
      closed,
    ),
  ),
  canary: Type.Optional(
    Type.Object(
      {
        url: Url,
        percent: percent(),
        maxErrorPercent: Type.Optional(percent()),
        minCalls: Type.Optional(wholeNumber(1, 1_000_000)),
      },
      closed,
    ),
  ),
  shadow: Type.Optional(
    Type.Object(
      {
        url: Url,
        percent: percent(),
        ignore: Type.Optional(Type.Array(FieldPath, { maxItems: 100, uniqueItems: true })),
        tolerances: Type.Optional(
          byName(Type.Number({ minimum: 0, must: 'must be a number of at least 0' })),
        ),
      },
      closed,
    ),
  ),
}

const HttpUpstream = Type.Object(
  { targets: Type.Array(Target, { minItems: 1, maxItems: 32 }), ...care },
  closed,
)

const FunctionUpstream = Type.Object(
  {
    function: Type.Object(
      {
        name: FunctionName,
        region: text('must be a region such as `eu-central-1`', '^[a-z]{2}(-[a-z]+)+-[0-9]$', 32),
        endpoint: Type.Optional(Url),
        qualifier: Type.Optional(
          text('must be an alias or a version', '^[A-Za-z0-9$_-]{1,128}$', 128),
        ),
      },
      closed,
    ),
    ...care,
  },
  closed,
)

/** A place to be served from, with everything that is decided about it. */
export type UpstreamDecision = Static<typeof HttpUpstream> | Static<typeof FunctionUpstream>

/** An address alone, or a mapping. Faults are told of the form that was meant: a union would tell them of all. */
const placeOf = (address: TSchema) =>
  Type.Unsafe<string | UpstreamDecision>({
    if: { type: 'object' },
    // biome-ignore lint/suspicious/noThenProperty: the name of a keyword of JSON Schema
    then: { if: { required: ['function'] }, then: FunctionUpstream, else: HttpUpstream },
    else: address,
  })

export const Upstreams = Type.Object(
  {
    sandbox: Type.Optional(
      placeOf(
        text(
          'must be `simulated`, `platform`, an http:// or https:// URL without user, query or fragment, or a mapping with `targets` or `function`',
          '^(simulated|platform|https?://[^\\s?#@]+)$',
          2_000,
        ),
      ),
    ),
    production: Type.Optional(
      placeOf(
        text(
          'must be `platform`, an http:// or https:// URL without user, query or fragment, or a mapping with `targets` or `function`',
          '^(platform|https?://[^\\s?#@]+)$',
          2_000,
        ),
      ),
    ),
  },
  closed,
)
