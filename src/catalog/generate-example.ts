import { sample } from 'openapi-sampler'
import type { Direction } from './one-way.ts'
import { type Choice, unfoldSchema } from './unfold-schema.ts'

/** From the richest that the author had in mind to the barest. */
const choices: readonly Choice[] = [
  { examples: 'all', optional: true, branch: 0 },
  { examples: 'leaves', optional: true, branch: 0 },
  { examples: 'none', optional: true, branch: 0 },
  { examples: 'all', optional: false, branch: 0 },
  { examples: 'leaves', optional: false, branch: 0 },
  { examples: 'none', optional: false, branch: 0 },
  ...[1, 2, 3].flatMap((branch): Choice[] => [
    { examples: 'leaves', optional: true, branch },
    { examples: 'none', optional: true, branch },
    { examples: 'none', optional: false, branch },
  ]),
]

/**
 * A value that its own schema accepts.
 * @returns undefined when none was found
 */
export function generateExample(options: {
  schema: unknown
  definitions: Readonly<Record<string, unknown>>
  direction: Direction
  accepts: (value: unknown) => boolean
}): { value: unknown } | undefined {
  const { schema, definitions, direction, accepts } = options
  for (const choice of choices) {
    const tree = unfoldSchema(schema, { definitions, direction, choice })
    if (tree === undefined) continue
    const value: unknown = structuredClone(sample(tree, { quiet: true, maxSampleDepth: 200 }))
    if (accepts(value)) return { value }
  }
  return undefined
}
