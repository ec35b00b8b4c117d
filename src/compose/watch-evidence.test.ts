import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { type CheckpointSink, createAudit, fileSink } from '#audit'
import { manualClock } from '#platform/clock'
import { testPlatform } from '#platform/testing'
import { watchEvidence } from './watch-evidence.ts'

test('a contradiction and a place that lags are metrics, and go when they are over', async (t) => {
  const clock = manualClock('2030-01-01T00:00:00Z')
  const platform = await testPlatform(t, { clock })
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-watch-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let away = true
  const remote: CheckpointSink = {
    name: 'remote',
    add: () => (away ? Promise.reject(new Error('away')) : Promise.resolve()),
    list: () => Promise.resolve(undefined),
    newest: () => Promise.resolve(undefined),
  }
  const audit = createAudit(platform, { sinks: [fileSink(folder), remote] })
  const registry = new Registry()
  const watch = watchEvidence({ clock, log: platform.log }, audit, registry)
  const metrics = async (): Promise<string> => {
    await watch.look()
    return await registry.metrics()
  }
  let leaves = 0
  const append = async (): Promise<void> => {
    leaves += 1
    await platform.database
      .as<unknown>()
      .transaction()
      .execute((trx) =>
        audit.appendEvidence(trx, {
          ...{ kind: 'test', id: `t_${leaves}`, at: clock.now(), record: {} },
        }),
      )
  }
  await append()
  await watch.sign()
  clock.advance(90_000)
  const lagging = await metrics()
  assert.match(lagging, /^wayleave_evidence_contradiction 0$/m)
  assert.match(lagging, /^wayleave_evidence_sink_owed_checkpoints\{sink="remote"\} 1$/m)
  assert.match(lagging, /^wayleave_evidence_sink_lag_seconds\{sink="remote"\} 90$/m)
  assert.match(lagging, /^wayleave_evidence_sink_owed_checkpoints\{sink="file"\} 0$/m)
  assert.match(lagging, /^wayleave_evidence_checkpoint_age_seconds 90$/m)
  away = false
  await watch.sign()
  assert.match(await metrics(), /^wayleave_evidence_sink_owed_checkpoints\{sink="remote"\} 0$/m)

  const file = path.join(folder, 'checkpoints.jsonl')
  const before = readFileSync(file)
  appendFileSync(file, 'nonsense\n')
  await append()
  clock.advance(90_000)
  await watch.sign()
  assert.match(await registry.metrics(), /^wayleave_evidence_contradiction 1$/m)
  assert.match(await metrics(), /^wayleave_evidence_unsigned_leaves 1$/m)
  writeFileSync(file, before)
  await watch.sign()
  const over = await metrics()
  assert.match(over, /^wayleave_evidence_contradiction 0$/m)
  assert.match(over, /^wayleave_evidence_unsigned_leaves 0$/m)
})
