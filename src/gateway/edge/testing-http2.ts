import { connect, type TLSSocket } from 'node:tls'

/** HTTP/2 by hand (RFC 9113): a client that may say what a library would not. */

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export type Field = readonly [name: string, value: string]

/** Fields as literals without indexing and without Huffman coding (RFC 7541 section 6.2.2): what is written is sent. */
export const fieldBlock = (fields: readonly Field[]): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]))

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const length: number[] = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

export const headers = (stream: number, fields: readonly Field[], ends = true): Buffer =>
  frame(
    frameType.headers,
    flag.endHeaders | (ends ? flag.endStream : 0),
    stream,
    fieldBlock(fields),
  )

export const data = (stream: number, bytes: string | Buffer, ends = true): Buffer =>
  frame(
    frameType.data,
    ends ? flag.endStream : 0,
    stream,
    typeof bytes === 'string' ? Buffer.from(bytes) : bytes,
  )

export const reset = (stream: number, code: number): Buffer =>
  frame(frameType.reset, 0, stream, uint32(code))

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export type Received = { type: number; flags: number; stream: number; payload: Buffer }

export interface RawHttp2 {
  readonly socket: TLSSocket
  readonly frames: readonly Received[]
  readonly closed: boolean
  send(...frames: readonly Buffer[]): void
  /** `:status` of the answer on a stream, `reset <code>` when it was reset */
  outcome(stream: number): number | `reset ${number}` | undefined
  /** code of the GOAWAY, when there was one */
  goaway(): number | undefined
}

/** Opens a connection that has agreed on HTTP/2 and sent its preface and settings. */
export async function rawHttp2(
  t: { after: (fn: () => void) => void },
  options: { port: number; ca: string; start?: Buffer },
): Promise<RawHttp2> {
  const frames: Received[] = []
  const state = { closed: false }
  const socket = connect({
    port: options.port,
    host: '127.0.0.1',
    ca: options.ca,
    servername: 'localhost',
    ALPNProtocols: ['h2'],
  })
  t.after(() => socket.destroy())
  let bytes: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3)
      if (bytes.length < 9 + length) break
      frames.push({
        type: bytes.readUInt8(3),
        flags: bytes.readUInt8(4),
        stream: bytes.readUInt32BE(5) & 0x7f_ff_ff_ff,
        payload: bytes.subarray(9, 9 + length),
      })
      bytes = bytes.subarray(9 + length)
    }
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    state.closed = true
  })
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  // A table of no entries: statuses then come as they are, or by the static table.
  const noTable = Buffer.concat([Buffer.of(0, 1), uint32(0)])
  socket.write(options.start ?? Buffer.concat([preface, frame(frameType.settings, 0, 0, noTable)]))
  return {
    socket,
    frames,
    get closed() {
      return state.closed
    },
    send(...more) {
      if (!socket.destroyed) socket.write(Buffer.concat(more))
    },
    outcome(stream) {
      const own = frames.filter((one) => one.stream === stream)
      const answer = own.find((one) => one.type === frameType.headers)
      if (answer !== undefined) return statusOf(answer.payload)
      const end = own.find((one) => one.type === frameType.reset)
      return end === undefined ? undefined : `reset ${end.payload.readUInt32BE(0)}`
    },
    goaway() {
      return frames.find((one) => one.type === frameType.goaway)?.payload.readUInt32BE(4)
    },
  }
}

const staticStatus: Readonly<Record<number, number>> = {
  136: 200,
  137: 204,
  138: 206,
  139: 304,
  140: 400,
  141: 404,
  142: 500,
}

/** The first field of an answer is its status: of the static table, or a literal, Huffman coded or not. */
function statusOf(block: Buffer): number {
  let at = 0
  // A dynamic table size update may come first (RFC 7541 section 6.3).
  while (((block[at] ?? 0) & 0xe0) === 0x20) at += 1
  const known = staticStatus[block[at] ?? 0]
  if (known !== undefined) return known
  const length = block[at + 1] ?? 0
  const value = block.subarray(at + 2, at + 2 + (length & 0x7f))
  return Number(length < 128 ? value.toString('latin1') : huffmanDigits(value))
}

/** RFC 7541 appendix B: 0, 1 and 2 have five bits, the other digits six. */
function huffmanDigits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let i = 0; digits.length < 3; ) {
    const five = Number.parseInt(bits.slice(i, i + 5), 2)
    if (five <= 2) {
      digits += five
      i += 5
    } else {
      digits += Number.parseInt(bits.slice(i, i + 6), 2) - 0b011001 + 3
      i += 6
    }
  }
  return digits
}
