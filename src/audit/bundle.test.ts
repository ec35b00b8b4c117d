import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { testPlatform } from '#platform/testing'
import { fileSink } from './checkpoint-sink.ts'
import { createAudit } from './create-audit.ts'
import { append } from './store.ts'
import type { AuditTables } from './tables.ts'
import { Refused, verifyBundle } from './verify.mjs'

async function evidence(t: TestContext, actions: number) {
  const platform = await testPlatform(t)
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-bundle-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const sink = fileSink(folder)
  const audit = createAudit(platform, { sinks: [sink] })
  await platform.database
    .as<AuditTables>()
    .transaction()
    .execute(async (trx) => {
      for (let i = 0; i < actions; i += 1)
        await append(trx, {
          ...{ event_id: `evt_${i}`, occurred_at: new Date(1e12), actor_kind: 'operator' },
          ...{
            actor_id: 'stf_1',
            via: 'session',
            partner_id: 'prt_1',
            action: 'partner.suspended',
          },
          ...{ target: 'prt_1', detail: { reason: 'ä "quoted" \n line', count: 1, '7': true } },
        })
    })
  return { audit, folder, sink }
}

async function bundleOf(audit: ReturnType<typeof createAudit>, position: number): Promise<Buffer> {
  const bundle = await audit.exportBundle({ position })
  assert.ok(bundle !== undefined)
  return Buffer.from(bundle.json)
}

test('a bundle of any leaf verifies, with the exported checkpoints and the key', async (t) => {
  const { audit, sink } = await evidence(t, 13)
  for (let position = 0; position < 13; position += 1) {
    const file = await bundleOf(audit, position)
    const exported = await sink.list()
    const checkpoints = exported.map(({ checkpoint }) => checkpoint)
    const proven = verifyBundle(file, { checkpoints, ...(exported[0] && { key: exported[0].key }) })
    assert.deepEqual([proven.position, proven.id, proven.size], [position, `evt_${position}`, 13])
    assert.match(proven.explanation, /^# partner\.suspended/)
  }
  assert.equal(await audit.exportBundle({ position: 13 }), undefined)
  assert.equal(await audit.exportBundle({ kind: 'action', id: 'evt_99' }), undefined)
})

test('a bundle with one changed byte, wherever it is, does not verify', async (t) => {
  const { audit } = await evidence(t, 6)
  const file = await bundleOf(audit, 3)
  verifyBundle(file)
  for (let at = 0; at < file.length; at += 1)
    for (const bit of [0, 5, at % 8]) {
      const changed = Buffer.from(file)
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      assert.throws(() => verifyBundle(changed), Refused, `byte ${at}, bit ${bit}`)
    }
})

test('a bundle with a byte more, a byte less or another byte does not verify', async (t) => {
  const { audit } = await evidence(t, 6)
  const file = await bundleOf(audit, 2)
  fc.assert(
    fc.property(fc.nat(file.length), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const more = Buffer.concat([file.subarray(0, at), Buffer.of(byte), file.subarray(at)])
      const less = Buffer.concat([file.subarray(0, at), file.subarray(at + 1)])
      const other = Buffer.from(file)
      other[at] = byte
      for (const changed of [more, less, other])
        if (!changed.equals(file)) assert.throws(() => verifyBundle(changed), Refused)
    }),
    { numRuns: 1_000 },
  )
})

test('a bundle of another installation is told by its key, or by checkpoints got on another way', async (t) => {
  const [ours, theirs] = [await evidence(t, 4), await evidence(t, 4)]
  const forged = await bundleOf(theirs.audit, 1)
  await bundleOf(ours.audit, 1)
  const [exported] = await ours.sink.list()
  assert.ok(exported)
  verifyBundle(forged)
  assert.throws(() => verifyBundle(forged, { key: exported.key }), /another key than the one given/)
  assert.throws(
    () => verifyBundle(forged, { checkpoints: [exported.checkpoint] }),
    /not among those given/,
  )
  assert.throws(() => verifyBundle(forged, { checkpoints: [] }), /not among those given/)
})

const run = (
  node: string,
  args: readonly string[],
): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(node, args, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })

/** Every Node that this machine has, from 20 on, by its version. */
async function nodes(): Promise<Map<string, string>> {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/bin', '/usr/local/bin']
  const found = new Map<string, string>()
  for (const file of [process.execPath, ...folders.map((folder) => path.join(folder, 'node'))]) {
    if (!existsSync(file)) continue
    const { code, out } = await run(file, ['--version'])
    const version = out.trim()
    if (code === 0 && Number(/^v(\d+)\./.exec(version)?.[1]) >= 20 && !found.has(version))
      found.set(version, file)
  }
  return found
}

test('verify.mjs works alone in a folder on every Node that is here, and says what it found by its exit code', async (t) => {
  const { audit, folder } = await evidence(t, 5)
  const bundle = await audit.exportBundle({ position: 4 })
  assert.ok(bundle !== undefined)
  const alone = path.join(folder, 'verify.mjs')
  copyFileSync(path.join(import.meta.dirname, 'verify.mjs'), alone)
  const place = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text)
    return path.join(folder, name)
  }
  const good = place('good.json', bundle.json)
  const page = place('good.html', bundle.page)
  const bad = place('bad.json', bundle.json.replaceAll('stf_1', 'stf_2'))
  const badPage = place(
    'bad.html',
    bundle.page.replace('<dd>stf_1', '<dd>stf_2').replace('prt_1', 'prt_2'),
  )
  const checkpoints = ['--checkpoints', path.join(folder, 'checkpoints.jsonl')]
  const versions = await nodes()
  for (const [version, node] of versions) {
    for (const file of [good, page]) {
      const verified = await run(node, [alone, file, ...checkpoints])
      assert.equal(verified.code, 0, `${version}: ${verified.err}`)
      assert.match(verified.out, /^Verified: action evt_4 is in leaf 4 of the log of 5 leaves/)
    }
    const refused = await run(node, [alone, bad, ...checkpoints])
    assert.equal(refused.code, 1, version)
    assert.match(refused.err, /NOT verified: the bundle is not what was sealed/)
    assert.equal((await run(node, [alone, badPage, ...checkpoints])).code, 1, version)
    assert.equal((await run(node, [alone])).code, 2, version)
    assert.equal((await run(node, [alone, path.join(folder, 'absent.json')])).code, 1, version)
    // An option without its value must not pass for a verification with it.
    assert.equal((await run(node, [alone, good, '--key'])).code, 2, version)
  }
  t.diagnostic(`verified with Node ${[...versions.keys()].join(', ')}`)
  assert.ok(versions.has(process.version))
})

test('who trusts a former key is led to the present one, and nobody else is', async (t) => {
  const { audit, sink } = await evidence(t, 3)
  await audit.exportBundle({ position: 0 })
  const first = (await sink.newest())?.key
  for (let i = 0; i < 2; i += 1) await audit.rotateKey({ kind: 'system', id: 'test' })
  const bundle = await audit.exportBundle({ position: 4 })
  assert.ok(bundle !== undefined && first !== undefined)
  const file = Buffer.from(bundle.json)
  const proven = verifyBundle(file, { key: first })
  assert.notEqual(proven.key, first)
  const parsed = JSON.parse(bundle.json) as { continuity: { key: string }[] }
  assert.equal(parsed.continuity[0]?.key, first)
  // What is exported later is signed with the key that is published then, also of things from before.
  const { key: present } = await audit.rotateKey({ kind: 'system', id: 'test' })
  assert.equal((await audit.state()).newest?.key, present)
  assert.notEqual(present, proven.key)
  for (const key of [first, proven.key, present]) {
    const early = await audit.exportBundle({ position: 1 })
    assert.equal(verifyBundle(Buffer.from(early?.json ?? ''), { key }).key, present)
  }
  const stranger = await evidence(t, 1)
  await stranger.audit.exportBundle({ position: 0 })
  const other = (await stranger.sink.newest())?.key
  assert.throws(() => verifyBundle(file, { key: other }), /another key than the one given/)
})
