import { randomUUID } from 'node:crypto'

const pattern = /^[a-zA-Z0-9\-_:;./<>{}]{1,256}$/

/**
 * The caller's `x-correlator`, or a new one when it is absent or empty (CAMARA Commonalities, headers).
 * @returns undefined when the caller sent one that the pattern forbids: the answer is then 400
 * @public
 */
export function correlatorOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined || header === '') return randomUUID()
  if (typeof header !== 'string') return undefined
  return pattern.test(header) ? header : undefined
}
