import { Pool } from 'undici'

/** Sends POSTs at a steady rate for some seconds and prints p50 and p99 in ms: `paced-load.ts <url> <rate> <seconds>`. */
const [url = '', rate = '1000', seconds = '4'] = process.argv.slice(2)
const { body, tokens } = JSON.parse(process.env.BENCH_REQUEST ?? '{}') as {
  body: string
  tokens: string[]
}
const target = new URL(url)
const pool = new Pool(target.origin, { connections: 64, pipelining: 1 })
const bytes = Buffer.from(body)
const latencies: number[] = []
let sent = 0
let failed = 0
let open = 0

const send = (due: number): void => {
  const token = tokens[sent % tokens.length] ?? ''
  sent += 1
  open += 1
  let status = 0
  pool.dispatch(
    {
      method: 'POST',
      path: target.pathname,
      headers: ['content-type', 'application/json', 'authorization', `Bearer ${token}`],
      body: bytes,
    },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, code) => {
        status = code
      },
      onResponseData: () => undefined,
      onResponseEnd: () => {
        open -= 1
        if (status !== 200) failed += 1
        latencies.push(performance.now() - due)
      },
      onResponseError: () => {
        open -= 1
        failed += 1
      },
    },
  )
}

const gapMs = 1_000 / Number(rate)
const start = performance.now()
const warmMs = 1_000
const endMs = Number(seconds) * 1_000
let due = 0
const tick = (): void => {
  const now = performance.now() - start
  // The time that a request was due counts, not the time that it could be sent (no coordinated omission).
  while (due <= now && due < endMs) {
    send(start + due)
    due += gapMs
  }
  if (due - gapMs < warmMs) latencies.length = 0
  if (due < endMs) setImmediate(tick)
  else if (open > 0) setTimeout(tick, 1)
  else {
    latencies.sort((a, b) => a - b)
    const at = (part: number): number =>
      latencies[Math.floor(latencies.length * part)] ?? Number.NaN
    console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99), failed, sent }))
    process.exit(0)
  }
}
tick()
