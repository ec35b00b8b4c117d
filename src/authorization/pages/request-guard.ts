import type { IncomingMessage } from 'node:http'
import { AppError } from '#platform/app-error'
import { bodyOf } from '../receive-body.ts'

/**
 * Whether a browser loads this for its reader to see: not in a frame, not ahead of time, not by a script. Programs
 * that send no such header, among them those that look at links before people do, get the page; it changes nothing.
 * @see https://www.w3.org/TR/fetch-metadata/
 * @public
 */
export function isForTheReader(request: IncomingMessage): boolean {
  const { headers } = request
  const dest = headers['sec-fetch-dest']
  const mode = headers['sec-fetch-mode']
  return (
    headers['sec-purpose'] === undefined &&
    headers.purpose !== 'prefetch' &&
    headers['x-moz'] !== 'prefetch' &&
    (dest === undefined || dest === 'document') &&
    (mode === undefined || mode === 'navigate')
  )
}

/**
 * Whether a form comes from a page of ours that its reader sent: browsers tell the origin of every POST, so one that
 * tells nothing is refused.
 * @param origin of the public address
 * @public
 */
export function isFromOurPage(request: IncomingMessage, origin: string): boolean {
  const { headers } = request
  const site = headers['sec-fetch-site']
  if (!isForTheReader(request)) return false
  if (site !== undefined && site !== 'same-origin') return false
  return headers.origin === origin
}

const maxFormBytes = 16_384

/**
 * The fields of a form.
 * @throws AppError when it is of another type, too long, or says a thing twice
 * @public
 */
export async function readForm(request: IncomingMessage): Promise<ReadonlyMap<string, string>> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded' || 'content-encoding' in request.headers)
    throw new AppError(
      'UNSUPPORTED_MEDIA_TYPE',
      'Send a form as application/x-www-form-urlencoded.',
    )
  const body = bodyOf(request)
  if (body.length > maxFormBytes)
    throw new AppError('PAYLOAD_TOO_LARGE', `A form has at most ${maxFormBytes} bytes.`)
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (fields.has(name)) throw new AppError('INVALID_ARGUMENT', 'A field stands there twice.')
    fields.set(name, value)
  }
  return fields
}

/** The query of an address; what stands there twice counts as absent. */
export function queryOf(request: IncomingMessage): ReadonlyMap<string, string> {
  const [, query = ''] = (request.url ?? '').split('?', 2)
  const fields = new Map<string, string>()
  const twice = new Set<string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (fields.has(name)) twice.add(name)
    fields.set(name, value)
  }
  for (const name of twice) fields.delete(name)
  return fields
}
