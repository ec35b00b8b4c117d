import { setFlagsFromString } from 'node:v8'

/**
 * Patterns come from published documents and texts from anyone: a pattern that backtracks without end would stop the
 * gateway. V8 can finish such a match in linear time, but only for patterns without the `u` flag; so patterns that mean
 * the same without it are compiled without it.
 * @public
 */
export function enableLinearPatterns(): void {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
}

const asciiOnly = /^[\x20-\x7e]*$/
const needsUnicode = /\\[pPuk]/
const astral = /[\ud800-\udbff][\udc00-\udfff]/
const everyAstral = new RegExp(astral, 'g')

/** The regular expression engine that the validators use. */
export function linearPattern(
  source: string,
  flags: string,
): { test(text: string): boolean; toString(): string } {
  if (!asciiOnly.test(source) || needsUnicode.test(source)) return new RegExp(source, flags)
  const pattern = new RegExp(source, flags.replace('u', ''))
  return {
    // A character beyond the 16 bits can only match where any other character beyond ASCII does.
    test: (text) => pattern.test(astral.test(text) ? text.replace(everyAstral, '\ue000') : text),
    // The validators know a pattern by its text: without it all patterns of a schema would be the first one.
    toString: () => pattern.toString(),
  }
}
