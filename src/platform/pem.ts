/**
 * The blocks of a PEM text with this label, decoded (RFC 7468). What stands between blocks is a comment.
 * @throws when a block is not closed or is no base64
 * @public
 */
export function pemBlocks(text: string, label: string): Buffer[] {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const blocks: Buffer[] = []
  for (let at = text.indexOf(begin); at !== -1; at = text.indexOf(begin, at)) {
    const close = text.indexOf(end, at)
    if (close === -1) throw new TypeError(`a block begins with ${begin} and does not end`)
    const body = text.slice(at + begin.length, close).replace(/\s+/g, '')
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body) || body.length % 4 !== 0)
      throw new TypeError(`a block of ${label} is not base64`)
    blocks.push(Buffer.from(body, 'base64'))
    at = close
  }
  return blocks
}
