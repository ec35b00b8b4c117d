import { type Place, readYaml, type YamlReading } from './read-yaml.ts'
import type { DocumentFault } from './schema.ts'

/** From the root of a document to a value: keys and indexes. */
export type Path = readonly (string | number)[]

/** What to point at: the key of a member (the default for a collection), or the value itself. */
type At = 'key' | 'value'

/** One file that is being checked: its value, and what was found wrong with it so far. */
export interface CheckedFile {
  readonly name: string
  readonly value: unknown
  /** a fault keeps the API from being published */
  fault(path: Path, message: string, options?: FaultOptions): void
  /** a warning does not */
  warn(path: Path, message: string, options?: FaultOptions): void
  /** something that was found out and is as it should be: nobody has to do anything about it */
  note(path: Path, message: string): void
  /** how a number was written in the file */
  sourceOf(path: Path): string | undefined
  /** where the value itself begins and ends in the text; undefined when there is none */
  spanOf(path: Path): readonly [number, number] | undefined
  readonly faulty: boolean
  faults(): DocumentFault[]
  warnings(): DocumentFault[]
  notes(): DocumentFault[]
}

type FaultOptions = {
  at?: At
  /** true for a fault about something that is missing elsewhere: after a fault of syntax it would be a guess */
  needsWholeFile?: boolean
}

/** Reads a file and collects what is wrong with it. */
export function checkedFile(name: string, text: string): CheckedFile {
  const reading = readYaml(text)
  const collected: DocumentFault[] = []
  const warned: DocumentFault[] = []
  const noted: DocumentFault[] = []
  const seen = new Set<string>()
  const add = (list: DocumentFault[], offset: number, path: Path, message: string): void => {
    const position = reading.lines.linePos(offset)
    const fault = {
      file: name,
      line: Math.max(1, position.line),
      column: Math.max(1, position.col),
      path: pointerOf(path),
      message,
    }
    const key = `${fault.line} ${fault.path} ${message}`
    if (seen.has(key)) return
    seen.add(key)
    list.push(fault)
  }
  for (const { offset, message, path } of reading.faults) add(collected, offset, path, message)

  return {
    name,
    value: reading.value,
    fault(path, message, options = {}) {
      const { offset, end } = locate(reading, path, options.at)
      if (end >= reading.trustedUntil) return
      if (options.needsWholeFile === true && reading.trustedUntil !== Number.POSITIVE_INFINITY)
        return
      add(collected, offset, path, message)
    },
    warn(path, message, options = {}) {
      add(warned, locate(reading, path, options.at).offset, path, message)
    },
    note(path, message) {
      add(noted, locate(reading, path).offset, path, message)
    },
    sourceOf: (path) => placeAt(reading.root, path)?.source,
    spanOf(path) {
      const place = placeAt(reading.root, path)
      return place === undefined ? undefined : [place.start, place.end]
    },
    get faulty() {
      return collected.length > 0
    },
    faults: () => collected.toSorted(byPosition),
    warnings: () => warned.toSorted(byPosition),
    notes: () => noted.toSorted(byPosition),
  }
}

const byPosition = (a: DocumentFault, b: DocumentFault): number =>
  a.line - b.line || a.column - b.column

function placeAt(root: Place, path: Path): Place | undefined {
  let place: Place | undefined = root
  for (const part of path) {
    place =
      place?.items === undefined ? place?.members?.get(String(part)) : place.items[Number(part)]
  }
  return place
}

/** The place of a value, or of the nearest thing around it that exists. */
function locate(reading: YamlReading, path: Path, at?: At): { offset: number; end: number } {
  let place = reading.root
  for (const part of path) {
    const next =
      place.items === undefined ? place.members?.get(String(part)) : place.items[Number(part)]
    if (next === undefined) break
    place = next
  }
  const collection = place.members !== undefined || place.items !== undefined
  const pointAt = at ?? (collection ? 'key' : 'value')
  return { offset: pointAt === 'key' ? (place.key ?? place.start) : place.start, end: place.end }
}

/** `#/paths/~1check/post`, as JSON Pointer writes it (RFC 6901). */
export const pointerOf = (path: Path): string =>
  `#${path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`

/** @returns undefined when it is not a pointer into the same document */
export function pathOf(pointer: string): string[] | undefined {
  if (pointer === '#') return []
  if (!pointer.startsWith('#/')) return undefined
  try {
    return pointer
      .slice(2)
      .split('/')
      .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
  } catch {
    return undefined
  }
}
