import type { IncomingMessage } from 'node:http'

const limitBytes = 256 * 1_024

export type ReadBody =
  | { kind: 'none' }
  | { kind: 'json'; value: unknown }
  | { kind: 'malformed' }
  | { kind: 'too-large' }

/** The JSON body of a request; another media type is not read as JSON and counts as no body. */
export async function readBody(request: IncomingMessage): Promise<ReadBody> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return { kind: 'too-large' }
  const chunks: Buffer[] = []
  let length = 0
  // The default would destroy the connection on the early return, and the refusal with it.
  const parts = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const chunk of parts) {
    length += chunk.length
    if (length > limitBytes) return { kind: 'too-large' }
    chunks.push(chunk)
  }
  if (length === 0) return { kind: 'none' }
  const mediaType = (request.headers['content-type'] ?? 'application/json').split(';', 1)[0] ?? ''
  if (!/^application\/(?:[\w.-]+\+)?json$/i.test(mediaType.trim())) return { kind: 'none' }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
    return { kind: 'json', value: JSON.parse(text) as unknown }
  } catch {
    return { kind: 'malformed' }
  }
}
