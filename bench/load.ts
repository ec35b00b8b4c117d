import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Latency, PacedRun } from './paced-load.ts'
import {
  apiPath,
  type Bench,
  loadCore,
  type Pacer,
  processorTime,
  requestBody,
  type Served,
} from './servers.ts'

const connections = 32

/** What one run of as much load as a server takes gave. */
export type Throughput = {
  rps: number
  /** microseconds of processor that a call cost the server: steadier than the rate when the machine is busy */
  processorUs: number
  p50: string
  p99: string
  errors: number
}

/** As many requests as the server takes, from 32 connections that are kept. */
export function load(bench: Bench, served: Served, seconds: number): Throughput {
  const script = path.join(bench.folder, 'post.lua')
  const requests = served.fields.map((fields) => {
    const all = { 'Content-Type': 'application/json', ...fields }
    const table = Object.entries(all).map(([name, value]) => `["${name}"]="${value}"`)
    return `wrk.format("POST", "${apiPath}", {${table.join(',')}}, '${requestBody}')`
  })
  writeFileSync(
    script,
    `local requests = {}\nlocal next = 0\nfunction init()\n${requests
      .map((request, i) => `requests[${i + 1}] = ${request}`)
      .join(
        '\n',
      )}\nend\nfunction request()\n  next = next % #requests + 1\n  return requests[next]\nend\n`,
  )
  const before = processorTime(served)
  const out = execFileSync(
    'taskset',
    [
      ...['-c', loadCore, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'],
      ...['-s', script, `http://127.0.0.1:${served.port}`],
    ],
    { encoding: 'utf8' },
  )
  const used = processorTime(served) - before
  const field = (pattern: RegExp): string => pattern.exec(out)?.[1] ?? '-'
  return {
    rps: Math.round(Number(field(/Requests\/sec:\s+([\d.]+)/))),
    processorUs: used / Number(field(/(\d+) requests in/)),
    p50: field(/50%\s+(\S+)/),
    p99: field(/99%\s+(\S+)/),
    errors: Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0),
  }
}

/** Each server in turn, several times: what else the machine does meanwhile falls on all of them alike. */
export function interleaved<T>(
  servers: readonly Served[],
  rounds: number,
  measure: (served: Served) => T,
): Map<Served, T[]> {
  const results = new Map<Served, T[]>(servers.map((served) => [served, []]))
  for (let round = 0; round < rounds; round += 1)
    // There and back: a machine that becomes slower or faster meanwhile favours nobody.
    for (const served of round % 2 === 0 ? servers : servers.toReversed())
      results.get(served)?.push(measure(served))
  return results
}

/** The request of the bench as it is sent. */
export const requestText = (host: string, fields: Readonly<Record<string, string>>): string =>
  [
    `POST ${apiPath} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${requestBody.length}`,
    '',
    requestBody,
  ].join('\r\n')

/** Requests at a steady rate, whether or not earlier ones were answered. @param pacer sends them, and is the upstream */
export async function paced(
  pacer: Pacer,
  served: Served,
  rate: number,
  seconds: number,
): Promise<Latency> {
  const requests = served.fields.map((fields) => requestText(`127.0.0.1:${served.port}`, fields))
  const run: PacedRun = { port: served.port, rate, seconds, requests }
  return (await pacer.ask(run)) as Latency
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
export const best = (values: readonly number[]): number => Math.max(...values)
export const ratio = (a: number, b: number): string => (a / b).toFixed(2)
