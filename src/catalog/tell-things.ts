import type { CompiledApi } from './compiled-api.ts'
import { nothingMakes } from './derive-resources.ts'
import { pointerOf } from './faults.ts'
import type { DocumentFault } from './schema.ts'
import { type KnownKinds, kindsMeant } from './things-of-apis.ts'

type Remarks = { warnings: DocumentFault[]; notes: DocumentFault[] }

/**
 * What a check of one document says of ids that nothing in it makes, in the light of everything that the catalog has:
 * a note where it is plain which API makes them, a warning where it may be several or none.
 */
export function tellThings(
  { name, openThings = [] }: Pick<CompiledApi, 'name' | 'openThings'>,
  said: Remarks,
  kinds: KnownKinds,
): Remarks {
  const warnings: DocumentFault[] = []
  const notes = [...said.notes]
  for (const warning of said.warnings) {
    const thing = openThings.find(
      ({ path, parameter }) =>
        warning.path === pointerOf(['paths', path]) && warning.message === nothingMakes(parameter),
    )
    const { near, far } =
      thing === undefined ? { near: [], far: [] } : kindsMeant(name, thing, kinds)
    const [only, ...others] = near
    if (only === undefined)
      warnings.push(far.length === 0 ? warning : { ...warning, message: mayMean(warning, far) })
    else if (others.length === 0)
      notes.push({
        ...warning,
        message: `derived: \`{${thing?.parameter}}\` names a \`${only}\`: only its maker may call`,
      })
    else
      warnings.push({
        ...warning,
        message: `\`{${thing?.parameter}}\` may name a ${near.map((kind) => `\`${kind}\``).join(' or a ')}: who made any of these may call. Say in product.yaml which it is (\`resource\` with \`within\`)`,
      })
  }
  return { warnings, notes }
}

const mayMean = ({ message }: DocumentFault, far: readonly string[]): string =>
  `${message}. It may be ${far
    .slice(0, 3)
    .map((kind) => `\`${kind}\``)
    .join(' or ')}`
