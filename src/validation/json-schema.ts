/**
 * A JSON Schema (draft 2020-12); references point to definitions as `#/$defs/Name`.
 * @public
 */
export type JsonSchema = { readonly [keyword: string]: unknown } | boolean
