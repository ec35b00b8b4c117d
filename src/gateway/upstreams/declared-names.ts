import type { ApiEntry, JsonSchema } from '#snapshot'

/** Every name of a property that the document of an API declares, wherever. */
export function declaredNames(api: ApiEntry): ReadonlySet<string> {
  const names = new Set<string>()
  const schemas: JsonSchema[] = [
    ...Object.values(api.schemas),
    ...api.operations.flatMap(({ responses }) =>
      responses.flatMap(({ content }) => Object.values(content)),
    ),
  ]
  const seen = new Set<object>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    for (const [keyword, below] of Object.entries(value)) {
      if (keyword === 'properties' && typeof below === 'object' && below !== null)
        for (const name of Object.keys(below)) names.add(name)
      visit(below)
    }
  }
  for (const schema of schemas) visit(schema)
  return names
}
