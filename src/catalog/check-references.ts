import type { CheckedFile, Path } from './faults.ts'
import { pathOf } from './faults.ts'
import { isRecord, recordOf, valueAt } from './json.ts'
import { hint } from './nearest-name.ts'
import { dereference } from './references.ts'
import { type ObjectKind, sectionOf, walkDocument } from './walk-document.ts'

/** Every `$ref` leads to something of the right kind in this document; nothing is fetched from anywhere. */
export function checkReferences(file: CheckedFile): void {
  walkDocument(file.value, (kind, value, path) => {
    if (!isRecord(value)) return
    if ('$ref' in value) checkReference(file, kind, value.$ref, [...path, '$ref'])
    if (kind === 'schema') checkMapping(file, value, path)
    if (kind === 'schema') checkDynamic(file, value, path)
  })
}

function checkReference(file: CheckedFile, kind: ObjectKind, ref: unknown, path: Path): void {
  // That a reference is text is a matter of structure.
  if (typeof ref !== 'string') return
  const target = pathOf(ref)
  if (target === undefined) {
    file.fault(
      path,
      `\`${ref}\` is not in this document: only references that begin with \`#/\` are followed, nothing is fetched`,
    )
    return
  }
  if (valueAt(file.value, target) === undefined) {
    const siblings = Object.keys(recordOf(valueAt(file.value, target.slice(0, -1))))
    file.fault(path, `\`${ref}\` leads nowhere${hint(target.at(-1) ?? '', siblings)}`, {
      needsWholeFile: true,
    })
    return
  }
  const section = sectionOf(kind)
  if (target[0] === 'components' && target.length === 3 && target[1] !== section) {
    file.fault(path, `leads to \`components/${target[1]}\`, where a ${spoken(kind)} belongs`)
    return
  }
  if (
    kind !== 'schema' &&
    dereference(file.value, { value: { $ref: ref }, path }).value === undefined
  )
    file.fault(path, 'leads only to references', { needsWholeFile: true })
}

const spoken = (kind: ObjectKind): string => kind.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)

/** A value of `discriminator.mapping` is the name of a schema, or a reference to one. */
function checkMapping(file: CheckedFile, schema: Record<string, unknown>, path: Path): void {
  const mapping = recordOf(recordOf(schema.discriminator).mapping)
  for (const [value, target] of Object.entries(mapping)) {
    const at = [...path, 'discriminator', 'mapping', value]
    if (typeof target !== 'string' || mappedSchema(file.value, target) !== undefined) continue
    const names = Object.keys(recordOf(valueAt(file.value, ['components', 'schemas'])))
    const name = target.replace(/^.*\//, '')
    file.fault(at, `\`${target}\` is no schema of this document${hint(name, names)}`, {
      needsWholeFile: true,
    })
  }
}

/** @returns the path of the schema that a mapping names */
export function mappedSchema(document: unknown, target: string): string[] | undefined {
  const path = target.startsWith('#') ? pathOf(target) : ['components', 'schemas', target]
  return path !== undefined && isRecord(valueAt(document, path)) ? path : undefined
}

function checkDynamic(file: CheckedFile, schema: Record<string, unknown>, path: Path): void {
  for (const keyword of ['$dynamicRef', '$recursiveRef']) {
    if (keyword in schema) file.fault([...path, keyword], 'is not supported: use `$ref`')
  }
}
