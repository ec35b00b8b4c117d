import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** A rendered page in the forms that it is sent in. */
export type CachedPage = {
  type: string
  raw: Buffer
  br: Buffer
  gzip: Buffer
  etag: string
  status: number
}

const compressBrotli = promisify(brotliCompress)
const compressGzip = promisify(gzip)

/**
 * The most recently used pages, up to a number of bytes. Two requests for one page that is not there yet wait for the
 * same rendering.
 */
export interface PageCache {
  get(
    key: string,
    render: () => Promise<{ text: string; type: string; status: number }>,
  ): Promise<CachedPage>
}

export function createPageCache(maxBytes = 32 * 1_024 * 1_024): PageCache {
  const pages = new Map<string, Promise<CachedPage>>()
  const sizes = new Map<string, number>()
  let total = 0

  const forget = (key: string): void => {
    pages.delete(key)
    total -= sizes.get(key) ?? 0
    sizes.delete(key)
  }
  const remember = (key: string, page: CachedPage): void => {
    if (!pages.has(key)) return
    const size = page.raw.length + page.br.length + page.gzip.length
    sizes.set(key, size)
    total += size
    for (const oldest of pages.keys()) {
      if (total <= maxBytes) break
      if (oldest !== key) forget(oldest)
    }
  }

  return {
    get(key, render) {
      const known = pages.get(key)
      if (known !== undefined) {
        pages.delete(key)
        pages.set(key, known)
        return known
      }
      const making = render().then(packed)
      pages.set(key, making)
      making.then(
        (page) => remember(key, page),
        () => forget(key),
      )
      return making
    },
  }
}

export async function packed(rendered: {
  text: string
  type: string
  status: number
}): Promise<CachedPage> {
  const raw = Buffer.from(rendered.text)
  const [br, gz] = await Promise.all([
    compressBrotli(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    compressGzip(raw, { level: 6 }),
  ])
  // Weak: the same page in three encodings.
  const etag = `W/"${createHash('sha256').update(raw).digest('base64url').slice(0, 22)}"`
  return { type: rendered.type, status: rendered.status, raw, br, gzip: gz, etag }
}

/** Which form a browser takes; a value of q=0 means "not this". */
export function acceptedEncoding(header: string | undefined): 'br' | 'gzip' | undefined {
  const takes = (name: string): boolean =>
    new RegExp(
      `(?:^|,)\\s*${name}\\s*(?:;(?!\\s*q=0(?:\\.0*)?\\s*(?:,|$))[^,]*)?(?:,|$)`,
      'i',
    ).test(header ?? '')
  if (takes('br')) return 'br'
  return takes('gzip') ? 'gzip' : undefined
}
