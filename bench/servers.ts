import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { gatewayFlags } from '../src/compose/gateway-flags.ts'
import type { ProcessReady, ProcessSettings } from '../src/gateway/testing-process.ts'

/** One core for what is measured, another one for load and upstream. */
export const serverCore = '0'
export const loadCore = '1'

export const apiPath = '/sim-swap/v2/check'
export const requestBody = '{"phoneNumber":"+99012345678","maxAge":240}'
const gatewayProcess = path.join(import.meta.dirname, '../src/gateway/testing-process.ts')
const bareProcess = path.join(import.meta.dirname, 'bare-proxy.ts')
const pacedProcess = path.join(import.meta.dirname, 'paced-load.ts')

/** Limits that are counted exactly and never reached; a block of 1 000 calls is leased at a time, in memory here. */
export const usualTerms: ProcessSettings['terms'] = {
  tier: 'paid',
  rate: [
    { limit: 1_000_000, windowSeconds: 1 },
    { limit: 50_000_000, windowSeconds: 60 },
  ],
  quota: { limit: 900_000_000, period: 'month' },
}

/** A process that serves: `pid` is the one whose processor time and memory count. */
export type Served = {
  name: string
  port: number
  pid: number
  /** header fields of the requests, in turn */
  fields: Readonly<Record<string, string>>[]
  ready?: ProcessReady
}

/** What sends load at a steady rate, and is the upstream of what it is sent to. */
export type Pacer = Served & { ask(run: unknown): Promise<unknown> }

/** Everything that a bench started, ended together. */
export class Bench {
  readonly folder: string
  #running: ChildProcess[] = []

  constructor(folder: string) {
    this.folder = folder
  }

  async end(): Promise<void> {
    await Promise.all(this.#running.splice(0).map(ended))
  }

  /** Ends one before the others. */
  async stop({ pid }: Served): Promise<void> {
    const child = this.#running.find((other) => other.pid === pid)
    if (child !== undefined) await ended(child)
  }

  /** @param server the text of nginx's `http` block, for this port */
  async nginx(
    name: string,
    core: string,
    server: (port: number) => string,
    modules: readonly string[] = [],
  ): Promise<Served> {
    const { folder } = this
    const port = await freePort()
    const file = path.join(folder, `${name}.conf`)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
      .join(' ')
    writeFileSync(
      file,
      `${modules.map((module) => `load_module ${module};`).join('\n')}
worker_processes 1; daemon off; pid ${folder}/${name}.pid; error_log ${folder}/${name}.log error;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; ${temporary} ${server(port)} }`,
    )
    const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : []
    const child = this.#spawn(core, 'nginx', ['-p', folder, '-c', file, ...user])
    await answers(port)
    // Its first child is the worker; those of a cache follow.
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
    const pid = Number.parseInt(children, 10)
    return { name, port, pid, fields: [{}] }
  }

  /** The upstream of all: a small answer, at once. */
  upstream(answer = '{"swapped":false}', name = 'upstream'): Promise<Served> {
    return this.nginx(
      name,
      loadCore,
      (port) =>
        `server { listen 127.0.0.1:${port}; default_type application/json; location / { return 200 '${answer}'; } }`,
    )
  }

  bare(upstream: Served): Promise<Served> {
    return this.#node('bare node:http + undici', bareProcess, [urlOf(upstream)], [])
  }

  async pacer(): Promise<Pacer> {
    const served = await this.#node('upstream itself', pacedProcess, [], [], loadCore)
    const child = this.#running.find(({ pid }) => pid === served.pid)
    return {
      ...served,
      fields: [{}],
      async ask(run) {
        child?.send(run as object)
        const [answer] = child === undefined ? [] : ((await once(child, 'message')) as [unknown])
        return answer
      },
    }
  }

  /** A gateway with the usual policies, and what `more` says. */
  gateway(
    name: string,
    upstream: Served,
    more: Partial<ProcessSettings> & { flags?: readonly string[] } = {},
  ): Promise<Served> {
    const { flags = [], ...settings } = more
    const whole: ProcessSettings = {
      upstreamUrl: urlOf(upstream),
      folder: this.folder,
      gatewayId: `gtw_${name.replaceAll(/[^A-Za-z0-9]/g, '_')}`.slice(0, 60),
      applications: 10,
      tokens: 10,
      terms: usualTerms,
      sync: 'interval',
      ...settings,
    }
    const all = [...gatewayFlags, ...profiling(), ...flags]
    return this.#node(name, gatewayProcess, [JSON.stringify(whole)], all)
  }

  async #node(
    name: string,
    file: string,
    args: readonly string[],
    flags: readonly string[],
    core = serverCore,
  ): Promise<Served> {
    const child = this.#spawn(core, process.execPath, [...flags, file, ...args])
    const died = once(child, 'exit').then(() => {
      throw new Error(`${name} ended before it served`)
    })
    const [ready] = (await Promise.race([once(child, 'message'), died])) as [ProcessReady]
    died.catch(() => undefined)
    const fields = ready.tokens.map((token) => ({ authorization: `Bearer ${token}` }))
    return { name, port: ready.port, pid: child.pid ?? 0, fields, ready }
  }

  #spawn(core: string, command: string, args: readonly string[]): ChildProcess {
    const ipc = command === 'nginx' ? [] : (['ipc'] as const)
    const child = spawn('taskset', ['-c', core, command, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', ...ipc],
    })
    this.#running.push(child)
    return child
  }
}

const urlOf = ({ port }: Served): string => `http://127.0.0.1:${port}`

/** `BENCH_PROFILE=folder` writes a CPU profile of each gateway there when it ends. */
const profiling = (): string[] => {
  const folder = process.env.BENCH_PROFILE
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
}

/** nginx as a plain reverse proxy of this upstream, and whatever else `location` says. */
export const proxyTo =
  (upstream: Served, around = '', location = '') =>
  (port: number): string =>
    `upstream up { server 127.0.0.1:${upstream.port}; keepalive 128; keepalive_requests 100000000; }
  ${around}
  server { listen 127.0.0.1:${port}; location / { ${location} proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; } }`

/** Resident and proportional memory in MB: the second one counts what processes share once. */
export function memoryOf({ pid }: Served): { rss: number; pss: number } {
  const megabytes = (file: string, field: string): number => {
    const kilobytes = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(file, 'utf8'))?.[1]
    return Math.round(Number(kilobytes ?? Number.NaN) / 1_024)
  }
  return {
    rss: megabytes(`/proc/${pid}/status`, 'VmRSS'),
    pss: megabytes(`/proc/${pid}/smaps_rollup`, 'Pss'),
  }
}

/** Processor time that a process has used, in microseconds. */
export function processorTime({ pid }: Served): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  // Fields 14 and 15, in ticks of 10 ms: nothing on Linux has another USER_HZ.
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** What a bench needs and is not there; undefined when everything is. */
export function missing(...tools: string[]): string | undefined {
  const absent = tools.filter((tool) => !isInstalled(tool))
  return absent.length === 0
    ? undefined
    : `skipped: ${absent.join(', ')} missing (apt-get install nginx-light wrk util-linux)`
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('which', [tool], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  // SIGTERM: nginx takes its worker along.
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
