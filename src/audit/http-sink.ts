import { createHash } from 'node:crypto'
import type { Egress, GuardedRequest, GuardedResponse } from '#platform/egress'
import type { CheckpointSink, ExportedCheckpoint } from './checkpoint-sink.ts'
import { openCheckpoint, Refused, readCheckpointLines } from './verify.mjs'

const mediaType = 'application/x-ndjson'
const batch = 1_000
const deadlineMs = 10_000
const pageBytes = 16 * 1_048_576
const mostReads = 3

/**
 * Somebody else's server. It is sent lines of the exported file by POST and says with a 2xx that it keeps them; the
 * same lines always come under the same `Idempotency-Key`. Asked by GET, it may show lines in the order in which they
 * came, from `?after=<size>` on or all of them; with 405 or 501 it says that it only takes.
 * @public
 */
export function httpSink(options: {
  url: string
  /** bearer secret that it is shown */
  token: string | undefined
  egress: Pick<Egress, 'fetchGuarded'>
}): CheckpointSink {
  const { url, token, egress } = options
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  const ask = (to: string, request: GuardedRequest): Promise<GuardedResponse> =>
    egress.fetchGuarded(to, {
      deadlineMs,
      ...request,
      headers: { ...authorization, ...request.headers },
    })

  /** Reading again does no harm: a server that is busy for a moment must not look like one that lost something. */
  async function read(from: string): Promise<GuardedResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await ask(from, { headers: { accept: mediaType }, maxBytes: pageBytes })
      if (attempt === mostReads || ![500, 502, 503, 504].includes(answer.status)) return answer
    }
  }

  /** Lines after the checkpoint of this size; undefined from a server that does not show any. */
  async function page(after: number): Promise<ExportedCheckpoint[] | undefined> {
    const from = new URL(url)
    from.searchParams.set('after', String(after))
    const { status, body } = await read(from.href)
    if (status === 405 || status === 501) return undefined
    if (status === 404 || status === 204) return []
    if (status !== 200) throw new Error(`it answered ${status} to GET`)
    return readCheckpointLines(body.toString('utf8'))
  }

  return {
    name: `http ${nameOf(url)}`,
    async add(checkpoints) {
      for (let at = 0; at < checkpoints.length; at += batch) {
        const lines = checkpoints
          .slice(at, at + batch)
          .map(({ checkpoint, key }) => `${JSON.stringify({ checkpoint, key })}\n`)
        const body = lines.join('')
        const key = createHash('sha256').update(body).digest('base64url')
        const { status } = await ask(url, {
          method: 'POST',
          headers: { 'content-type': mediaType, 'idempotency-key': key },
          body,
        })
        if (status < 200 || status > 299) throw new Error(`it answered ${status} to POST`)
      }
    },
    async list() {
      const all: ExportedCheckpoint[] = []
      for (let after = 0; ; ) {
        const lines = await page(after)
        if (lines === undefined) return undefined
        const { found, size } = beyond(lines, after)
        all.push(...found)
        // Also the end of a server that shows everything each time.
        if (size <= after) return all
        after = size
      }
    },
    async newest(from = 0) {
      let last: ExportedCheckpoint | undefined
      for (let after = Math.max(0, from - 1); ; ) {
        const lines = await page(after)
        if (lines === undefined) return undefined
        const { found, size } = beyond(lines, after)
        last = found.at(-1) ?? last
        if (size <= after) return last ?? null
        after = size
      }
    },
  }
}

const nameOf = (url: string): string => {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}

/** Of a page, what lies behind a size, and the largest size in it. */
function beyond(
  lines: readonly ExportedCheckpoint[],
  after: number,
): { found: ExportedCheckpoint[]; size: number } {
  let size = after
  const found = lines.filter((line) => {
    const own = sizeOf(line)
    size = Math.max(size, own)
    return own > after
  })
  return { found, size }
}

/** @throws Refused: whoever keeps something else does not keep the evidence */
function sizeOf({ checkpoint, key }: ExportedCheckpoint): number {
  try {
    return openCheckpoint(checkpoint, key).size
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Refused(`it holds a line that is no checkpoint: ${why}`, { cause })
  }
}
