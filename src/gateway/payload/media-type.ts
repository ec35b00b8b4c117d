export type MediaType = { essence: string; json: boolean }

const pattern =
  /^([a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127})((?:[ \t]*;[ \t]*[a-z0-9!#$&'*+.^_`|~-]+=(?:[a-z0-9!#$&'*+.^_`|~-]+|"[^"\\]*"))*)[ \t]*$/i
const otherCharset = /;[ \t]*charset=(?!"?utf-8"?[ \t]*(?:;|$))/i

/**
 * Reads a Content-Type field exactly (RFC 9110 section 8.3.1).
 * @returns undefined for anything that is not one media type, or JSON in another charset than UTF-8
 * @public
 */
export function parseMediaType(field: string): MediaType | undefined {
  if (field === 'application/json') return plainJson
  const found = pattern.exec(field)
  const essence = found?.[1]?.toLowerCase()
  if (found === null || essence === undefined) return undefined
  const json = essence === 'application/json' || essence.endsWith('+json')
  if (json && otherCharset.test(found[2] ?? '')) return undefined
  return { essence, json }
}

const plainJson: MediaType = { essence: 'application/json', json: true }
