import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { keepsWithin, machineClock } from './testing-clock.ts'

test('the time of a machine that stood still is left out, that of code that blocks or waits is not', async () => {
  const now = await machineClock()
  const wallMs = performance.now()
  const startedMs = now()
  const still = () => performance.now() - wallMs - (now() - startedMs)
  const stop = `kill -STOP ${process.pid}; sleep 0.6; kill -CONT ${process.pid}`
  await promisify(execFile)('sh', ['-c', stop])
  for (let turn = 0; still() < 500; turn += 1) {
    assert.ok(turn < 1_000, `${still()} ms`)
    await delay(10)
  }
  const blocks = (): number => {
    const from = now()
    for (const cpu = process.cpuUsage(); process.cpuUsage(cpu).user < 100_000; );
    return now() - from
  }
  const waits = async (): Promise<number> => {
    const from = now()
    await delay(100)
    return now() - from
  }
  // A machine that is late now and then is not so each time.
  let [blocked, waited] = [0, 0]
  for (let turn = 0; turn < 20 && (blocked < 70 || waited < 70); turn += 1) {
    blocked = Math.max(blocked, blocks())
    waited = Math.max(waited, await waits())
  }
  assert.ok(blocked >= 70 && waited >= 70, `${blocked} ms and ${waited} ms`)
})

test('a bound is kept when one of three attempts keeps it', async () => {
  const took = [300, 40, 1]
  assert.equal(await keepsWithin(100, async () => took.shift() ?? 0), 40)
  const late = [300, 200, 150, 1]
  assert.equal(await keepsWithin(100, async () => late.shift() ?? 0), 150)
})
