import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  accessToken,
  type Product,
  signUp,
  startProduct,
  until,
  wayleave,
} from '../support/product.ts'

type Gateway = { environment: string; gatewayId: string; state: string; startedAt: string }
type Report = { environment: string; gatewayId: string; fault?: string }

/** The processes of the sandbox gateway by their slot; 0 is the one that starts the others. */
function processesOf(product: Product): Map<number, number> {
  const found = new Map<number, number>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      if (!command.includes('gateway') || !command.includes('sandbox')) continue
      const own = readFileSync(`/proc/${pid}/environ`, 'utf8')
      if (!own.includes(`WAYLEAVE_DATA_DIR=${product.dataDir}\0`)) continue
      const at = command.indexOf('--worker')
      found.set(at < 0 ? 0 : Number(command[at + 1]), Number(pid))
    } catch {
      // It has just ended.
    }
  }
  return found
}

const pidOf = (product: Product, slot: number): number => {
  const pid = processesOf(product).get(slot)
  assert.ok(pid !== undefined, `a process in slot ${slot}`)
  return pid
}

test('what is shown of gateways with several workers is true through kills, replacements and stops', async (t) => {
  const product = await startProduct(t, { env: { GATEWAY_WORKERS: '2' } })
  const created = await wayleave(product, 'token', 'create', '--role', 'operator')
  const token = created.stdout.trim().split('\n').at(-1) ?? ''
  const read = async <T>(path: string): Promise<T[]> => {
    const answer = await fetch(`${product.wellKnown.management}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(answer.status, 200)
    return ((await answer.json()) as { items: T[] }).items
  }
  const shown = async (): Promise<string[]> =>
    (await read<Gateway>('/gateways'))
      .filter(({ environment }) => environment === 'sandbox')
      .map(({ gatewayId, state }) => `${gatewayId.split('-').at(-1)} ${state}`)
  const shows = async (...expected: string[]): Promise<void> =>
    await until(async () => (await shown()).join() === expected.join(), 20_000, 200)
  const metrics = async (): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${product.portBase + 11}/metrics`)).text()

  await shows('1 live', '2 live')
  const reports = await read<Report>('/gateways/reports')
  assert.equal(reports.length, 4, 'two workers of each environment')
  assert.ok(reports.every(({ fault }) => fault === undefined))

  const { body } = await signUp(product)
  const partner = await accessToken(
    body.firstCall.tokenUrl,
    body.credentials.clientId,
    body.credentials.clientSecret,
    'sim-swap:check',
  )
  const calls = 12
  for (let i = 0; i < calls; i += 1) {
    const answer = await fetch(body.firstCall.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${partner}`,
        'content-type': 'application/json',
        connection: 'close',
      },
      body: '{"phoneNumber":"+99010000002"}',
    })
    assert.equal(answer.status, 200)
  }
  const counted = (await metrics())
    .split('\n')
    .filter(
      (line) => line.startsWith('wayleave_gateway_requests_total{') && /"2xx"|"200"/.test(line),
    )
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  assert.equal(counted, calls, 'the figures of both workers are added up')

  // Killed: shown with its new start, and never twice.
  const second = async (): Promise<Gateway[]> =>
    (await read<Gateway>('/gateways')).filter(
      (one) => one.environment === 'sandbox' && one.gatewayId.endsWith('-2'),
    )
  const [before] = await second()
  process.kill(pidOf(product, 2), 'SIGKILL')
  await until(async () => {
    const now = await second()
    return now.length === 1 && now[0]?.state === 'live' && now[0].startedAt !== before?.startedAt
  }, 20_000)
  assert.ok((await read<Report>('/gateways/reports')).every(({ fault }) => fault === undefined))

  // Replaced one after the other: those that went are not shown, not even as gone.
  process.kill(pidOf(product, 0), 'SIGUSR2')
  await shows('1 live', '3 live')

  // It stands still: shown as gone within seconds, and the page does not wait for it.
  const stopped = pidOf(product, 3)
  process.kill(stopped, 'SIGSTOP')
  try {
    await shows('1 live', '3 gone')
    assert.ok((await read<Report>('/gateways/reports')).length === 3)
  } finally {
    process.kill(stopped, 'SIGCONT')
  }
  await shows('1 live', '3 live')
})
