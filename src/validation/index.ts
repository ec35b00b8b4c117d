export { ClosedSchemas, definitionNameOf } from './closed-schemas.ts'
export {
  apiDefinitions,
  compileDefinition,
  type DescribedApi,
  type ParameterPlace,
  schemaEngine,
} from './compile-schemas.ts'
export type { JsonSchema } from './json-schema.ts'
export { enableLinearPatterns } from './linear-pattern.ts'
