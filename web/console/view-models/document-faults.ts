export type PlacedFault = {
  file: string
  line: number | undefined
  column: number | undefined
  where: string
  message: string
}

/** A violation of a document names its place: `openapi.yaml:12:5 /paths/~1check/post`. */
export function placeFault(violation: { path: string; message: string }): PlacedFault {
  const found = /^(.*?):(\d+):(\d+)\s*(.*)$/.exec(violation.path)
  if (found === null)
    return {
      file: '',
      line: undefined,
      column: undefined,
      where: violation.path,
      message: violation.message,
    }
  const [, file = '', line, column, where = ''] = found
  return { file, line: Number(line), column: Number(column), where, message: violation.message }
}

/** Which of the two texts a fault is about. */
export const isProductFault = (fault: PlacedFault): boolean => /product/i.test(fault.file)

/** The stretch of a text that a line covers, to select it in an editor. */
export function rangeOfLine(text: string, line: number): { start: number; end: number } {
  const lines = text.split('\n')
  const start = lines.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0)
  return { start, end: start + (lines[line - 1]?.length ?? 0) }
}
