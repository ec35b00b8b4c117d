/**
 * Finds and changes the phone number of a request body, so that the explorer can offer the sandbox's numbers for any
 * API: `phoneNumber` at the top, or inside the thing that it describes (`device.phoneNumber`).
 */
type Path = readonly string[]

const maxDepth = 4

export function phonePath(body: unknown, depth = 0): Path | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || depth > maxDepth)
    return undefined
  const entries = Object.entries(body)
  if (entries.some(([name, value]) => name === 'phoneNumber' && typeof value === 'string'))
    return ['phoneNumber']
  for (const [name, value] of entries) {
    const inner = phonePath(value, depth + 1)
    if (inner !== undefined) return [name, ...inner]
  }
  return undefined
}

export function readPhone(text: string): string | undefined {
  const body = parse(text)
  const path = phonePath(body)
  if (path === undefined) return undefined
  let value: unknown = body
  for (const name of path) value = (value as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : undefined
}

/** @returns the body with another number; the text as it was when it has no number, or is not JSON */
export function withPhone(text: string, phoneNumber: string): string {
  const body = parse(text)
  const path = phonePath(body)
  if (path === undefined) return text
  return JSON.stringify(replaced(body, path, phoneNumber), null, 2)
}

function replaced(value: unknown, path: Path, phoneNumber: string): unknown {
  const [name, ...rest] = path
  if (name === undefined) return phoneNumber
  const record = value as Record<string, unknown>
  return { ...record, [name]: replaced(record[name], rest, phoneNumber) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
