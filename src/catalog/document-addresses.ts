import type { CheckedFile, Path } from './faults.ts'
import { isRecord, listOf, recordOf, textOf, valueAt } from './json.ts'

/** A stretch of the document's text that stands for an address. */
export type DocumentAddress = { start: number; end: number; what: 'apiRoot' | 'url' }

/** Where the document says where it is served: the default of `{apiRoot}`, or else the whole URL of a server. */
export function documentAddresses(file: CheckedFile): DocumentAddress[] {
  const servers = listOf(recordOf(file.value).servers)
  return servers.flatMap((server, index): DocumentAddress[] => {
    const at = ['servers', index]
    const url = textOf(recordOf(server).url)
    const root = [...at, 'variables', 'apiRoot', 'default']
    if (url.includes('{apiRoot}') && valueAt(file.value, root) !== undefined)
      return spanAt(file, root, 'apiRoot')
    return isRecord(server) ? spanAt(file, [...at, 'url'], 'url') : []
  })
}

function spanAt(file: CheckedFile, path: Path, what: DocumentAddress['what']): DocumentAddress[] {
  const span = file.spanOf(path)
  return span === undefined ? [] : [{ start: span[0], end: span[1], what }]
}

/** The text with the addresses replaced; a quoted JSON string is also a YAML one. */
export function withAddresses(
  text: string,
  addresses: readonly DocumentAddress[],
  values: Readonly<Record<DocumentAddress['what'], string>>,
): string {
  let rest = text
  for (const { start, end, what } of addresses.toSorted((a, b) => b.start - a.start))
    rest = `${rest.slice(0, start)}${JSON.stringify(values[what])}${rest.slice(end)}`
  return rest
}
