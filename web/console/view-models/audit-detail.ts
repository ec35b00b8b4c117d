/** One detail of an action, short enough for a row: a long digest is recognised by its beginning. */
export function detailText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return /^[0-9a-f]{32,}$/.test(text) ? `${text.slice(0, 10)}…` : text
}
