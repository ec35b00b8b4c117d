import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { ProcessSettings } from '../src/gateway/testing-process.ts'

const serverCore = '0'
const loadCore = '1'
const connections = 32
const rounds = 3
const secondsPerRound = 2
const body = '{"phoneNumber":"+99012345678","maxAge":240}'
const apiPath = '/sim-swap/v2/check'
const bareProcess = path.join(import.meta.dirname, 'bare-proxy.ts')
const gatewayProcess = path.join(import.meta.dirname, '../src/gateway/testing-process.ts')
/** Limits that are counted exactly and never reached; a block of 1 000 calls is leased at a time, in memory here. */
const terms = {
  tier: 'paid' as const,
  rate: [
    { limit: 1_000_000, windowSeconds: 1 },
    { limit: 50_000_000, windowSeconds: 60 },
  ],
  quota: { limit: 900_000_000, period: 'month' as const },
}

type Served = { name: string; port: number; tokens: string[]; process: ChildProcess }
type Measured = { rps: number; p50: string; p99: string; errors: string }

/** The gateway against nginx and against a bare node:http + undici proxy: same upstream, same core, same run. */
export async function benchGateway(): Promise<void> {
  const missing = ['nginx', 'wrk', 'taskset'].filter((tool) => !isInstalled(tool))
  if (missing.length > 0) {
    console.log(
      `skipped: ${missing.join(', ')} missing (apt-get install nginx-light wrk util-linux)`,
    )
    return
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-bench-'))
  const running: ChildProcess[] = []
  try {
    await compare(folder, running)
  } finally {
    // SIGTERM: nginx takes its worker along.
    await Promise.all(running.map((child) => ended(child)))
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(folder: string, running: ChildProcess[]): Promise<void> {
  const upstreamPort = await freePort()
  running.push(await nginx(folder, 'upstream', loadCore, upstreamPort, answerConfig))
  const upstreamUrl = `http://127.0.0.1:${upstreamPort}`
  const nginxPort = await freePort()
  const proxy = await nginx(folder, 'proxy', serverCore, nginxPort, proxyConfig(upstreamPort))
  running.push(proxy)
  const plain: Served = {
    name: 'nginx, plain proxy',
    port: nginxPort,
    tokens: ['none'],
    process: proxy,
  }
  const bare = await node('bare node:http + undici', bareProcess, [upstreamUrl])
  running.push(bare.process)
  const gatewayOf = (applications: number, tokens: number): Promise<Served> => {
    const settings: ProcessSettings = {
      ...{ upstreamUrl, folder, applications, tokens, terms, sync: 'interval' },
      gatewayId: `gtw_bench_${applications}`,
    }
    return node(`gateway, ${applications} applications`, gatewayProcess, [JSON.stringify(settings)])
  }
  const small = await gatewayOf(10, 10)
  running.push(small.process)
  const idle = memoryOf(small.process)

  console.log(
    `one core for the server, one for load and upstream; wrk -c${connections}, POST of ${body.length} bytes`,
  )
  const large = await gatewayOf(50_000, 1_000)
  running.push(large.process)
  const largeIdle = memoryOf(large.process)
  // In turns, and the best of each counts: what else the machine does meanwhile falls on all of them alike.
  const results = new Map<Served, Measured>()
  const servers = [plain, bare, small, large]
  for (const served of servers) load(folder, served, 2)
  for (let round = 0; round < rounds; round += 1) {
    for (const served of servers) {
      const result = load(folder, served, secondsPerRound)
      const best = results.get(served)
      if (best === undefined || result.rps > best.rps) results.set(served, result)
    }
  }
  const rps = (served: Served): number => results.get(served)?.rps ?? Number.NaN
  console.table(
    Object.fromEntries(
      [...results].map(([served, result]) => [
        served.name,
        {
          ...result,
          'to nginx': ratio(result.rps, rps(plain)),
          'to bare proxy': ratio(result.rps, rps(bare)),
        },
      ]),
    ),
  )
  await latencies(upstreamPort, [plain, bare, small], Math.floor(rps(small) / 2))
  console.table({
    'growth, 10 to 50 000 applications': { value: ratio(rps(large), rps(small)) },
    'memory idle, 10 applications': { value: `${idle} MB` },
    'memory idle, 50 000 applications': { value: `${largeIdle} MB` },
    'memory after load, 10 applications': { value: `${memoryOf(small.process)} MB` },
    'memory after load, 50 000 applications': { value: `${memoryOf(large.process)} MB` },
    'journal, bytes a call': { value: journalBytes(path.join(folder, 'gtw_bench_10')) },
  })
}

const ratio = (a: number, b: number): string => (a / b).toFixed(2)

async function latencies(upstreamPort: number, servers: Served[], rate: number): Promise<void> {
  console.log(`latency at ${rate} requests a second, half of the gateway's most (ms)`)
  const direct = paced({ port: upstreamPort, tokens: ['none'] }, rate)
  const table: Record<string, Record<string, string>> = {
    'upstream itself': { p50: direct.p50.toFixed(2), p99: direct.p99.toFixed(2) },
  }
  for (const served of servers) {
    const result = paced(served, rate)
    table[served.name] = {
      p50: result.p50.toFixed(2),
      p99: result.p99.toFixed(2),
      'added p50': (result.p50 - direct.p50).toFixed(2),
      'added p99': (result.p99 - direct.p99).toFixed(2),
      failed: String(result.failed),
    }
  }
  console.table(table)
}

function paced(
  served: Pick<Served, 'port' | 'tokens'>,
  rate: number,
): { p50: number; p99: number; failed: number } {
  const out = execFileSync(
    'taskset',
    [
      '-c',
      loadCore,
      process.execPath,
      path.join(import.meta.dirname, 'paced-load.ts'),
      `http://127.0.0.1:${served.port}${apiPath}`,
      String(rate),
      '4',
    ],
    {
      env: { ...process.env, BENCH_REQUEST: JSON.stringify({ body, tokens: served.tokens }) },
      encoding: 'utf8',
    },
  )
  return JSON.parse(out) as { p50: number; p99: number; failed: number }
}

function load(folder: string, served: Served, seconds: number): Measured {
  const script = path.join(folder, 'post.lua')
  const requests = served.tokens.map(
    (token) =>
      `wrk.format("POST", "${apiPath}", { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer ${token}" }, '${body}')`,
  )
  writeFileSync(
    script,
    `local requests = {}\nlocal next = 0\nfunction init()\n  requests = { ${requests.join(',\n')} }\nend\nfunction request()\n  next = next % #requests + 1\n  return requests[next]\nend\n`,
  )
  const out = execFileSync(
    'taskset',
    [
      ...['-c', loadCore, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'],
      ...['-s', script, `http://127.0.0.1:${served.port}`],
    ],
    { encoding: 'utf8' },
  )
  const field = (pattern: RegExp): string => pattern.exec(out)?.[1] ?? '-'
  return {
    rps: Math.round(Number(field(/Requests\/sec:\s+([\d.]+)/))),
    p50: field(/50%\s+(\S+)/),
    p99: field(/99%\s+(\S+)/),
    errors: field(/Non-2xx or 3xx responses: (\d+)/),
  }
}

const common = (folder: string, name: string): string => `
worker_processes 1; daemon off; pid ${folder}/${name}.pid; error_log ${folder}/${name}.log crit;
events { worker_connections 4096; }
`
const paths = (folder: string): string =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(' ')

const answerConfig = (port: number): string => `
  keepalive_requests 100000000;
  server { listen 127.0.0.1:${port}; default_type application/json; location / { return 200 '{"swapped":false}'; } }`

const proxyConfig =
  (upstreamPort: number) =>
  (port: number): string =>
    `
  keepalive_requests 100000000;
  upstream up { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; } }`

async function nginx(
  folder: string,
  name: string,
  core: string,
  port: number,
  config: (port: number) => string,
): Promise<ChildProcess> {
  const file = path.join(folder, `${name}.conf`)
  writeFileSync(
    file,
    `${common(folder, name)}http { access_log off; ${paths(folder)} ${config(port)} }`,
  )
  const master = process.getuid?.() === 0 ? ['-g', 'user root;'] : []
  const child = spawn('taskset', ['-c', core, 'nginx', '-p', folder, '-c', file, ...master], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await answers(port)
  return child
}

async function node(name: string, file: string, args: string[]): Promise<Served> {
  const child = spawn(
    'taskset',
    ['-c', serverCore, process.execPath, ...profiling(file), file, ...args],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  const [ready] = (await once(child, 'message')) as [{ port: number; tokens: string[] }]
  return { name, ...ready, process: child }
}

/** `BENCH_PROFILE=folder` writes a CPU profile of the gateway there when it ends. */
const profiling = (file: string): string[] => {
  const folder = process.env.BENCH_PROFILE
  return folder === undefined || file !== gatewayProcess
    ? []
    : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
}

function memoryOf(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024)
}

function journalBytes(home: string): number {
  let bytes = 0
  let records = 0
  for (const name of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.wlj')) continue
    const file = path.join(home, name)
    bytes += statSync(file).size
    records += readFileSync(file, 'latin1').split('\nR ').length - 1
  }
  return Math.round(bytes / records)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 8_000)
  await exit
  clearTimeout(late)
}

async function answers(port: number): Promise<void> {
  const deadline = performance.now() + 5_000
  for (;;) {
    try {
      await fetch(`http://127.0.0.1:${port}/`)
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  if (typeof address !== 'object' || address === null) throw new Error('no free port')
  return address.port
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('which', [tool], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
