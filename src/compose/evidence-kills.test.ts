import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { recordAction, recordEvidence } from '#audit'
import { subjectOf } from '#consent'
import { exchange, type WrittenSegment, writeSegments } from '#metering/testing'
import { manualClock } from '#platform/clock'
import { testDispatcher, testPlatform } from '#platform/testing'
import { testFolder } from '#platform/testing-folder'
import { type EvidenceWork, evidenceParts, numbers, staff } from './testing-evidence-process.ts'

const script = path.join(import.meta.dirname, 'testing-evidence-process.ts')
const dayMs = 86_400_000
const kills = 6
const segmentCount = 60

const again = /lock timeout|the clock is wrong|no partition of relation|erased at the same moment/

type Message = { ready?: true; counted?: number; failed?: string }

test('processes that are killed at any moment, with clocks days apart, leave evidence whole and every call counted once', async (t) => {
  const folder = testFolder(t)
  const platform = await testPlatform(t)
  const records = Array.from({ length: segmentCount }, (_, segment) =>
    Array.from({ length: 20 }, (_unused, i) =>
      exchange(`${segment}-${i}`, {
        at: Date.now() - 45 * dayMs,
        subject: subjectOf(platform.sealing, 'sandbox', numbers[i % numbers.length] ?? ''),
        tokenId: `tok_${segment}`,
        legal: { basis: 'consent', consents: [`cns_${i}`] },
      }),
    ),
  )
  const segments = await writeSegments(folder, records)
  const work = (skewMs: number): EvidenceWork => ({
    ...{ url: platform.database.url, folder, skewMs },
    segments: rest.map(({ claim, file }) => ({ claim, file })),
  })
  const [early, ...rest] = segments
  assert.ok(early)
  await appendLongAgo(t, platform.database.url, folder, early)
  const messages: Message[] = []
  const start = (skewMs: number): ChildProcess => {
    const child = fork(script, [JSON.stringify(work(skewMs))], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    t.after(() => {
      child.kill('SIGKILL')
    })
    child.on('message', (message) => messages.push(message as Message))
    return child
  }
  // One clock is far behind: what it appends is old for the other.
  const skews = [0, -40 * dayMs]
  const children = skews.map(start)
  await Promise.all(children.map((child) => once(child, 'message')))
  const counted = (): boolean => messages.some((message) => message.counted !== undefined)
  // On a busy machine processes come to less before they are killed: then longer, and more of them.
  for (let kill = 0; kill < kills || !counted(); kill += 1) {
    assert.ok(kill < 10 * kills, 'processes that live ever longer count something')
    await delay(randomInt(20, 400 + 50 * kill))
    const place = randomInt(children.length)
    const gone = children[place]
    assert.ok(gone)
    gone.kill('SIGKILL')
    await once(gone, 'exit')
    children[place] = start(skews[place] ?? 0)
    await once(children[place], 'message')
  }
  for (const child of children) {
    child.kill('SIGKILL')
    if (child.signalCode === null) await once(child, 'exit')
  }
  const failed = messages.flatMap((message) => message.failed ?? [])
  assert.deepEqual(
    // What is tried again later: a clock that is far behind finds its day gone or on its way out, and a segment meets erasure
    // after erasure. Whether anything was lost by it is what everything below looks at.
    failed.filter((reason) => !again.test(reason)),
    [],
  )

  const { metering, audit, forgetting } = evidenceParts(platform, folder)
  testDispatcher(t, platform, [audit.subscriber])
  for (const { claim, bytes } of segments)
    await tried(() => metering.intake('sandbox', claim, bytes))
  const { pool } = platform.database
  const delivered = async (): Promise<void> => {
    for (const until = Date.now() + 30_000; ; await delay(20)) {
      const { rowCount } = await pool.query(
        `select 1 from platform.delivery where subscriber = 'audit'`,
      )
      if (rowCount === 0) return
      assert.ok(Date.now() < until, 'every event becomes evidence')
    }
  }
  await delivered()
  // Whatever the killed ones came to: somebody is erased, and what is old by now goes.
  const phoneNumber = numbers.at(-1) ?? ''
  const { id } = await forgetting.ask(staff('stf_1'), { phoneNumber, reason: 'a letter' })
  await tried(() => forgetting.confirm(staff('stf_2'), id))
  await tried(() => forgetting.forgetOldEvidence())
  await delivered()
  await audit.checkpoint({ now: true })
  const report = await audit.verifyLog()
  assert.equal(report.ok, true, JSON.stringify(report))
  const { rows } = await pool.query<Record<string, number>>(
    `select
       (select count(*) from audit.leaf where kind = 'exchanges') as leaves,
       (select count(distinct id) from audit.leaf where kind = 'exchanges') as segments,
       (select count(*) from metering.exchange) as calls,
       (select count(*) from audit.erasure where state = 'done') as erasures,
       (select count(*) from platform.outbox where payload->>'action' = 'subscriber.erased') as told,
       (select count(distinct record::jsonb ->> 'of') from audit.evidence where kind = 'retention') as retentions,
       (select count(*) from audit.checkpoint) as checkpoints`,
  )
  const found = rows[0] ?? {}
  assert.equal(found.leaves, segmentCount)
  assert.equal(found.segments, segmentCount)
  assert.equal(found.calls, segmentCount * 20)
  assert.ok((found.erasures ?? 0) > 0, 'somebody was erased')
  assert.equal(found.told, found.erasures)
  assert.equal(found.retentions, 3, 'something of each sort was old: calls, consents and actions')
  assert.ok((found.checkpoints ?? 0) > 0)
  t.diagnostic(`${JSON.stringify(found)} ${JSON.stringify(report)}`)
})

/** As gateways and jobs do it: PostgreSQL may still be at what a killed process began, and hold its locks. */
async function tried<T>(work: () => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await work()
    } catch (error) {
      if (turn === 10 || !again.test(String(error))) throw error
      await delay(300)
    }
  }
}

/** A control whose clock is behind its time counts a segment, a consent and two actions: they are old for all others. */
async function appendLongAgo(
  t: TestContext,
  url: string,
  folder: string,
  segment: WrittenSegment,
): Promise<void> {
  const clock = manualClock(new Date(Date.now() - 39 * dayMs).toISOString())
  const platform = await testPlatform(t, { url, clock })
  const { metering, audit } = evidenceParts(platform, folder)
  await metering.intake('sandbox', segment.claim, segment.bytes)
  await platform.database
    .as()
    .transaction()
    .execute(async (trx) => {
      const consent = { kind: 'consent', id: 'cns_1/1', at: clock.now(), record: {} }
      await recordEvidence(platform.outbox, trx, consent)
      const actor = { kind: 'system', id: 'test' } as const
      for (const target of ['thing_1', 'thing_2'])
        await recordAction(platform.outbox, trx, { actor, action: 'thing.done', target })
    })
  testDispatcher(t, platform, [audit.subscriber])
  for (const thing of ['cns_1/1', 'thing_1', 'thing_2'])
    assert.ok(await platform.outbox.settledAbout(thing, 30_000))
}
