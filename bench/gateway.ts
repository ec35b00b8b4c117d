import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { best, interleaved, load, median, paced, ratio } from './load.ts'
import { nginxWithPolicies } from './nginx-policies.ts'
import type { Latency } from './paced-load.ts'
import {
  Bench,
  memoryOf,
  missing,
  proxyTo,
  requestBody,
  type Served,
  serverCore,
} from './servers.ts'

/** `BENCH_ROUNDS` and `BENCH_SECONDS` make a run longer and steadier; the defaults take about three minutes. */
const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const seconds = Number(process.env.BENCH_SECONDS ?? 2)

/**
 * The gateway with all usual policies against nginx, plain and with as much of them as it has, and against a bare
 * node:http + undici proxy: same upstream, same core, same run.
 */
export async function benchGateway(): Promise<void> {
  const absent = missing('nginx', 'wrk', 'taskset')
  if (absent !== undefined) {
    console.log(absent)
    return
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-bench-'))
  const bench = new Bench(folder)
  try {
    await compare(bench)
  } finally {
    await bench.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(bench: Bench): Promise<void> {
  const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString()
  const upstream = await bench.upstream()
  const plain = await bench.nginx('proxy', serverCore, proxyTo(upstream))
  plain.name = 'nginx, plain proxy'
  const bare = await bench.bare(upstream)
  const small = await bench.gateway('gateway, 10 applications', upstream, { signingKey })
  const idle = { small: memoryOf(small), large: { rss: Number.NaN, pss: Number.NaN } }
  const many = { signingKey, applications: 50_000 }
  const large = await bench.gateway('gateway, 50 000 applications', upstream, many)
  idle.large = memoryOf(large)
  const busy = await bench.gateway('the same, 1 000 of them calling', upstream, {
    ...many,
    tokens: 1_000,
  })
  const publicKey = createPublicKey(createPrivateKey(signingKey))
  const guarded = await nginxWithPolicies(bench, upstream, publicKey, small.ready?.tokens ?? [])
  console.log(
    `one core for the server, one for load and upstream; POST of ${requestBody.length} bytes, 32 connections;\n` +
      `${rounds} rounds of ${seconds} s, the servers in turn; the ratios are of the best rounds`,
  )
  const servers = [plain, bare, small, large, busy, ...guarded]
  const rates = throughput(bench, servers)
  const after = { small: memoryOf(small), large: memoryOf(large), busy: memoryOf(busy) }
  const shown = ({ rss, pss }: { rss: number; pss: number }) => ({ 'RSS MB': rss, 'PSS MB': pss })
  console.table({
    '10 applications, idle': shown(idle.small),
    '10 applications, after load': shown(after.small),
    '50 000 applications, idle': shown(idle.large),
    '50 000 applications, after load': shown(after.large),
    '50 000 applications, after load of 1 000': shown(after.busy),
  })
  await latencies(bench, Math.floor((rates.get(small) ?? 0) / 2), signingKey)
  console.table({
    'growth, 10 to 50 000 applications': ratio(rates.get(large) ?? 0, rates.get(small) ?? 0),
    'and 10 to 1 000 callers': ratio(rates.get(busy) ?? 0, rates.get(small) ?? 0),
    'journal, bytes a call': journalBytes(bench.folder),
  })
}

/** @returns requests a second, the best of all rounds */
function throughput(bench: Bench, servers: readonly Served[]): Map<Served, number> {
  for (const served of servers) load(bench, served, 2)
  const results = interleaved(servers, rounds, (served) => load(bench, served, seconds))
  const rates = new Map<Served, number>()
  for (const [served, runs] of results) rates.set(served, best(runs.map(({ rps }) => rps)))
  const [plain = 0, bare = 0] = rates.values()
  console.table(
    Object.fromEntries(
      Array.from(results, ([served, runs]) => {
        const rps = rates.get(served) ?? 0
        const row = {
          'best rps': rps,
          'median rps': median(runs.map((run) => run.rps)),
          'µs of core': median(runs.map((run) => run.processorUs)).toFixed(1),
          p50: runs.at(-1)?.p50,
          p99: runs.at(-1)?.p99,
          'to nginx': ratio(rps, plain),
          'to bare': ratio(rps, bare),
          errors: runs.reduce((sum, run) => sum + run.errors, 0),
        }
        return [served.name, row]
      }),
    ),
  )
  return rates
}

/**
 * What a server adds to the time of the upstream itself, at a rate that it takes easily. The upstream is in the process
 * that sends the load: two processes on one core would wait for each other, and that would be most of what is measured.
 */
async function latencies(bench: Bench, rate: number, signingKey: string): Promise<void> {
  console.log(`\nlatency at ${rate} calls a second, half of what the gateway takes; medians, in ms`)
  const pacer = await bench.pacer()
  const plain = await bench.nginx('paced', serverCore, proxyTo(pacer))
  plain.name = 'nginx, plain proxy'
  const bare = await bench.bare(pacer)
  const gateway = await bench.gateway('gateway, paced', pacer, { signingKey })
  const servers = [pacer, plain, bare, gateway]
  for (const served of servers) load(bench, served, 4)
  const results = new Map<Served, Latency[]>(servers.map((served) => [served, []]))
  for (let round = 0; round < 3; round += 1)
    for (const served of round % 2 === 0 ? servers : servers.toReversed())
      results.get(served)?.push(await paced(pacer, served, rate, seconds))
  const of = (runs: readonly Latency[], name: 'p50' | 'p90' | 'p99' | 'sentLate'): number =>
    median(runs.map((run) => run[name]))
  const [direct = []] = results.values()
  console.table(
    Object.fromEntries(
      Array.from(results, ([served, runs]) => {
        const added = (name: 'p50' | 'p99'): string =>
          (of(runs, name) - of(direct, name)).toFixed(2)
        const row = {
          p50: of(runs, 'p50').toFixed(2),
          p90: of(runs, 'p90').toFixed(2),
          p99: of(runs, 'p99').toFixed(2),
          ...(runs === direct ? {} : { 'added p50': added('p50'), 'added p99': added('p99') }),
          'sent late, p99': of(runs, 'sentLate').toFixed(2),
          failed: runs.reduce((sum, run) => sum + run.failed, 0),
        }
        return [served.name, row]
      }),
    ),
  )
}

function journalBytes(folder: string): number {
  let bytes = 0
  let records = 0
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.wlj')) continue
    const file = path.join(folder, name)
    bytes += statSync(file).size
    records += readFileSync(file, 'latin1').split('\nR ').length - 1
  }
  return Math.round(bytes / records)
}
