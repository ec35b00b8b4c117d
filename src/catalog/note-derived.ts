import { subjectFields } from './check-decisions.ts'
import type { JsonSchema, ResourceRule, SnapshotOperation } from './entry.ts'
import type { CheckedFile } from './faults.ts'
import { findField } from './field-paths.ts'

type Definitions = Readonly<Record<string, JsonSchema>>

/** Says at each operation what was found out of the document where the manifest says nothing of it. */
export function noteDerived(
  file: CheckedFile,
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): void {
  for (const operation of operations) {
    const at = ['paths', operation.path, operation.method.toLowerCase()]
    const { resource, subject } = operation.terms ?? {}
    if (resource?.derived === true) file.note(at, `derived: ${ownershipOf(resource)}`)
    const field = subject === undefined ? namedSubject(operation, definitions) : undefined
    if (field !== undefined)
      file.note(
        at,
        `derived: the subscriber of a call is whom \`${field}\` of the request names, or the token`,
      )
  }
}

function ownershipOf({ role, name, field, parameter, items, within }: ResourceRule): string {
  const part =
    within === undefined ? '' : `, within the \`${within.name}\` of \`{${within.parameter}}\``
  switch (role) {
    case 'create':
      return `the \`${name}\` that it makes is its caller’s, known by \`${field}\` of the answer${part}`
    case 'access':
      return `\`{${parameter}}\` names a \`${name}\`: only its maker may call${part}`
    case 'list':
      return `${items === '' ? 'the answer' : `\`${items}\` of the answer`} has the caller’s own \`${name}\` only, known by \`${field}\`${part}`
  }
}

function namedSubject(
  { requestBody }: SnapshotOperation,
  definitions: Definitions,
): string | undefined {
  const bodies = Object.values(requestBody?.content ?? {})
  return subjectFields.find((field) =>
    bodies.some((schema) => findField(schema, definitions, field).ok),
  )
}
