import type { BodyContent, OperationParts, ResponseParts } from './compile-operations.ts'
import type { JsonSchema, SnapshotExample } from './entry.ts'
import type { CheckedFile, Path } from './faults.ts'
import { generateExample } from './generate-example.ts'
import { isRecord, listOf, recordOf } from './json.ts'
import type { Direction } from './one-way.ts'
import { dereference } from './references.ts'
import type { Judge } from './schema-validators.ts'

export type NamedExample = { name: string; value: unknown }

/** An operation's examples, each of them valid. */
export type ChosenExamples = {
  request: { mediaType: string; schema: JsonSchema; examples: NamedExample[] } | undefined
  /** in the order of the document's answers */
  responses: { content: BodyContent | undefined; examples: NamedExample[] }[]
  /** one of each status, success first */
  served: SnapshotExample[]
}

/** Finds the examples of the document, says which are wrong, and makes one where there is none. */
export function createExampleChooser(
  file: CheckedFile,
  definitions: Readonly<Record<string, unknown>>,
  judgeOf: (schema: JsonSchema) => Judge | undefined,
) {
  // A shared answer is judged once, however many operations give it.
  const known = new Map<string, NamedExample[]>()

  function examplesOf(content: BodyContent, direction: Direction): NamedExample[] {
    const key = `${direction} ${JSON.stringify(content.path)}`
    const before = known.get(key)
    if (before !== undefined) return before
    const judge = judgeOf(content.schema)
    const valid = documentedExamples(file, content).flatMap(({ name, value, path }) => {
      const fault = judge?.(value)
      if (fault === undefined) return [{ name, value }]
      file.warn(path, `the example is not what its schema says: ${fault}`)
      return []
    })
    const generated =
      valid.length > 0 || judge === undefined ? undefined : generate(content, direction, judge)
    const examples =
      generated === undefined ? valid : [{ name: 'generated', value: generated.value }]
    known.set(key, examples)
    return examples
  }

  const generate = (content: BodyContent, direction: Direction, judge: Judge) =>
    generateExample({
      schema: content.schema,
      definitions,
      direction,
      accepts: (value) => judge(value) === undefined,
    })

  function headersOf(response: ResponseParts): Record<string, string> {
    const headers: Record<string, string> = {}
    for (const { name, schema, source } of response.headers) {
      // The gateway writes the correlator of the request itself.
      if (name === 'x-correlator') continue
      const documented =
        source.example ?? recordOf(Object.values(recordOf(source.examples))[0]).value
      const judge = judgeOf(schema) ?? (() => undefined)
      const made = generateExample({
        schema,
        definitions,
        direction: 'response',
        accepts: (value) => judge(value) === undefined,
      })
      const value =
        documented !== undefined && judge(documented) === undefined ? documented : made?.value
      if (isHeaderValue(value)) headers[name] = String(value)
    }
    return headers
  }

  return (operation: OperationParts): ChosenExamples => {
    const body = preferred(operation.requestBody?.content ?? [])
    const requests = body === undefined ? [] : examplesOf(body, 'request')
    if (body !== undefined && requests.length === 0)
      file.warn(body.path, `no valid request could be made for ${operation.operationId}`)
    const responses = operation.responses.map((response) => {
      const content = preferred(response.content)
      return { content, examples: content === undefined ? [] : examplesOf(content, 'response') }
    })
    const served = operation.responses.flatMap((response, index): SnapshotExample[] => {
      const status = exampleStatus(response.status, operation.responses)
      const { content, examples } = responses[index] ?? { content: undefined, examples: [] }
      const [best] = examples
      if (status === undefined) return []
      if (content !== undefined && best === undefined) {
        if (status < 300)
          file.warn(content.path, `no valid answer could be made for ${operation.operationId}`)
        return []
      }
      return [
        {
          name: best?.name ?? 'empty',
          status,
          mediaType: content === undefined ? '' : concrete(content.mediaType),
          body: best?.value,
          headers: headersOf(response),
        },
      ]
    })
    return {
      request: body && { mediaType: body.mediaType, schema: body.schema, examples: requests },
      responses,
      served: served.toSorted((a, b) => rank(a.status) - rank(b.status)),
    }
  }
}

const rank = (status: number): number => (status >= 200 && status < 300 ? status - 1_000 : status)

const isHeaderValue = (value: unknown): boolean =>
  ['string', 'number', 'boolean'].includes(typeof value) && /^[\x20-\x7e]*$/.test(String(value))

/** The media type that examples are shown and served in: JSON when there is one. */
function preferred(content: readonly BodyContent[]): BodyContent | undefined {
  return (
    content.find(({ mediaType }) => mediaType === 'application/json') ??
    content.find(({ mediaType }) => mediaType.endsWith('+json')) ??
    content[0]
  )
}

const concrete = (mediaType: string): string =>
  mediaType.includes('*') ? 'application/json' : mediaType

/** The status that stands for a range or for `default`, unless the document has it anyway. */
function exampleStatus(status: string, all: readonly ResponseParts[]): number | undefined {
  if (/^\d{3}$/.test(status)) return Number(status)
  const free = (wanted: number): number | undefined =>
    all.some((other) => other.status === String(wanted)) ? undefined : wanted
  if (/^\dXX$/.test(status)) return free(Number(status[0]) * 100)
  const hasSuccess = all.some((other) => other.status.startsWith('2'))
  return hasSuccess ? free(500) : 200
}

type Documented = NamedExample & { path: Path }

function documentedExamples(file: CheckedFile, { source, path }: BodyContent): Documented[] {
  const named = Object.entries(recordOf(source.examples)).flatMap(([name, item]): Documented[] => {
    const located = dereference(file.value, { value: item, path: [...path, 'examples', name] })
    return isRecord(located.value) && 'value' in located.value
      ? [{ name, value: located.value.value, path: [...located.path, 'value'] }]
      : []
  })
  const single =
    'example' in source
      ? [{ name: 'example', value: source.example, path: [...path, 'example'] }]
      : []
  const schema = dereference(file.value, { value: source.schema, path: [...path, 'schema'] })
  const own = recordOf(schema.value)
  const ofSchema = [
    ...('example' in own ? [{ value: own.example, path: [...schema.path, 'example'] }] : []),
    ...listOf(own.examples).map((value, i) => ({ value, path: [...schema.path, 'examples', i] })),
  ].map((example) => ({ name: 'example', ...example }))
  const found = [...named, ...single]
  return found.length > 0 ? found : ofSchema
}
