import { loggableCorrelator } from './recorded-correlator.ts'

/**
 * The names of the fields that a log line may have. A field with another name is left out, and its name is written in
 * `unlisted`: what nobody has thought about must not reach a log, because it may be about a person.
 */
export const loggableFields: ReadonlySet<string> = new Set([
  ...[
    'allowedErrorPercent',
    'api',
    'apiId',
    'at',
    'attempts',
    'boot',
    'caFile',
    'calls',
    'claimed',
  ],
  ...[
    'clientId',
    'code',
    'contract',
    'correlator',
    'crlFile',
    'detail',
    'duplicates',
    'environment',
  ],
  ...['err', 'errorPercent', 'event', 'eventId', 'exchange', 'faults', 'file', 'files', 'folder'],
  ...['forSeconds', 'gatewayId', 'how', 'id', 'job', 'kept', 'keys', 'keywords', 'kid', 'kind'],
  ...['lists', 'mechanism', 'members', 'method', 'mode', 'operation', 'owner', 'percent', 'pid'],
  ...['reason', 'records', 'revision', 'role', 'route', 'rule', 'schema', 'sequence', 'sha256'],
  ...[
    'side',
    'signal',
    'slot',
    'stableErrorPercent',
    'status',
    'subscriber',
    'target',
    'unwritten',
  ],
  ...['upstreamStatus', 'workers'],
])

/** fields that hold words of somebody else: an error's, a database's */
const foreignWords = ['reason', 'detail'] as const

/** @returns the fields that may be written, with what they may hold */
export function loggable(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  const unlisted: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (loggableFields.has(name)) kept[name] = value
    else unlisted.push(name)
  }
  for (const name of foreignWords) {
    const value = kept[name]
    if (typeof value === 'string') kept[name] = scrubbed(value)
  }
  if (typeof kept.correlator === 'string') kept.correlator = loggableCorrelator(kept.correlator)
  if (unlisted.length > 0) kept.unlisted = unlisted
  return kept
}

const longestText = 4_000

/** Takes out what may name a person or open a door: numbers, tokens, keys, credentials in addresses. */
export const scrubbed = (text: string): string =>
  text
    .slice(0, longestText)
    .replaceAll(/\beyJ[\w-]*(?:\.[\w-]+)*/g, '[token]')
    .replaceAll(/\bwl_(?:live|sbx)_[a-z]{2,4}_\w+/g, '[secret]')
    .replaceAll(/\b(Bearer|Basic|DPoP)\s+\S+/gi, '$1 [secret]')
    .replaceAll(/\/\/[^\s/@]+:[^\s/@]+@/g, '//[secret]@')
    .replaceAll(/\+\d{4,}|\d{8,}/g, '[digits]')

const deepest = 3

/**
 * An error as a log may have it: its kind, its code, its words without what they may repeat of a request, and where it
 * was thrown. The other fields of an error, such as a database's `detail`, hold values.
 */
export function loggableError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code } = error as { code?: unknown }
  const stack = error.stack ?? ''
  const frames = stack.slice(Math.max(0, stack.indexOf('\n    at ')))
  return {
    type: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: scrubbed(error.message),
    stack: scrubbed(frames.startsWith('\n    at ') ? frames.trim() : ''),
    ...(error.cause === undefined || depth >= deepest
      ? {}
      : { cause: loggableError(error.cause, depth + 1) }),
  }
}
