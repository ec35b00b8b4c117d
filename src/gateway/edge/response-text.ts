import { STATUS_CODES } from 'node:http'
import { FieldLines } from '../upstreams/field-text.ts'

/** The body of an answer. */
export type Content = string | Buffer | undefined

/** up to this a body is sent in one piece with its head */
const shortBody = 16_384
/** what describes the connection, and is written here */
const fieldLines = new FieldLines(
  new Set(['transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'date', 'trailer']),
)
const statusLines = new Map<number, string>()

/** An answer as it is sent: one text in latin1, which is the bytes one by one, and the body apart when it is long. */
export type WireResponse = { text: string; body: Buffer | undefined }

/**
 * Writes an answer down (RFC 9112).
 * @param fields name and value in turn
 * @throws when a part of it cannot be sent
 */
export function writeResponse(options: {
  status: number
  fields: readonly string[]
  content: Content
  date: string
  /** the lines that say whether the connection goes on */
  connection: string
}): WireResponse {
  const { status, fields, content } = options
  let text = statusLines.get(status) ?? statusLine(status)
  for (let i = 0; i + 1 < fields.length; i += 2)
    text += fieldLines.of(fields[i] ?? '', fields[i + 1] ?? '').line
  text += `Date: ${options.date}\r\n${options.connection}\r\n`
  if (content === undefined || content.length === 0) return { text, body: undefined }
  const body = typeof content === 'string' ? Buffer.from(content) : content
  if (body.length > shortBody) return { text, body }
  return { text: text + body.toString('latin1', 0, body.length), body: undefined }
}

export const sizeOf = ({ text, body }: WireResponse): number => text.length + (body?.length ?? 0)

function statusLine(status: number): string {
  if (!Number.isInteger(status) || status < 200 || status > 999)
    throw new TypeError('this is no status of an answer')
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  statusLines.set(status, line)
  return line
}

/** The Date field (RFC 9110 section 6.6.1), made once a second. */
export class HttpDate {
  #nowMs: () => number
  #text: string | undefined

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get text(): string {
    if (this.#text !== undefined) return this.#text
    const nowMs = this.#nowMs()
    this.#text = new Date(nowMs).toUTCString()
    setTimeout(
      () => {
        this.#text = undefined
      },
      1_000 - (nowMs % 1_000),
    ).unref()
    return this.#text
  }
}
