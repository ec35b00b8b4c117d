import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { testDatabase } from '#platform/testing'
import { consistencyProof, inclusionProof, logSize, rootAt } from './proofs.ts'
import { append } from './store.ts'
import type { AuditTables } from './tables.ts'
import { verifyConsistency, verifyInclusion } from './verify.mjs'
import { verifyChain } from './verify-chain.ts'

const hash = (...parts: readonly Buffer[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest()

const middleOf = (count: number): number => {
  const powers = Array.from({ length: 40 }, (_, i) => 2 ** i)
  return powers.findLast((power) => power < count) ?? 0
}

/** MTH of RFC 9162 2.1.1, word for word, over the hashes of leaves. */
function naiveRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves
  if (first === undefined) return hash()
  if (leaves.length === 1) return first
  const k = middleOf(leaves.length)
  return hash(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)))
}

/** PATH of 2.1.3.1. */
function naivePath(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return []
  const k = middleOf(leaves.length)
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))]
}

/** SUBPROOF of 2.1.4.1. */
function naiveSubproof(m: number, leaves: readonly Buffer[], known: boolean): Buffer[] {
  if (m === leaves.length) return known ? [] : [naiveRoot(leaves)]
  const k = middleOf(leaves.length)
  return m <= k
    ? [...naiveSubproof(m, leaves.slice(0, k), known), naiveRoot(leaves.slice(k))]
    : [...naiveSubproof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))]
}

async function logOf(
  t: TestContext,
  count: number,
): Promise<{ db: Kysely<AuditTables>; leaves: Buffer[] }> {
  const db = (await testDatabase(t)).as<AuditTables>()
  const leaves = Array.from({ length: count }, () => randomBytes(32))
  await sql`
    select audit.append_leaf('test', place::text, hash)
    from unnest(${leaves}::bytea[]) with ordinality as leaf (hash, place)`.execute(db)
  return { db, leaves }
}

/** One byte of one hash changed, a hash dropped, or one added. */
const damaged = (path: readonly Buffer[], where: number): Buffer[][] => {
  const one = where % Math.max(1, path.length)
  const flipped = path.map((h) => Buffer.from(h))
  const target = flipped[one]
  if (target !== undefined) target[where % 32] = (target[where % 32] ?? 0) ^ (1 << (where % 8))
  const kinds = [[...path, randomBytes(32)]]
  if (path.length > 0) kinds.push(flipped, path.toSpliced(one, 1))
  return kinds
}

const most = 150

test('roots and proofs are those of RFC 9162 for every size, and nothing else verifies', async (t) => {
  const { db, leaves } = await logOf(t, most)
  assert.equal(await logSize(db), most)
  const sizes = fc.integer({ min: 1, max: most })
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, any, where) => {
      const position = any % size
      const some = leaves.slice(0, size)
      const root = await rootAt(db, size)
      assert.deepEqual(root, naiveRoot(some))
      const proofPath = await inclusionProof(db, position, size)
      assert.deepEqual(proofPath, naivePath(position, some))
      const leaf = leaves[position] ?? Buffer.alloc(0)
      const proof = { leaf, position, size, path: proofPath, root }
      assert.ok(verifyInclusion(proof))
      assert.ok(!verifyInclusion({ ...proof, leaf: randomBytes(32) }))
      assert.ok(!verifyInclusion({ ...proof, root: randomBytes(32) }))
      assert.ok(!verifyInclusion({ ...proof, position: position + 1 }))
      for (const bad of damaged(proofPath, where))
        assert.ok(!verifyInclusion({ ...proof, path: bad }))
    }),
    { numRuns: 300 },
  )
})

test('an earlier log is proven to be the beginning of a later one, and no other log is', async (t) => {
  const { db, leaves } = await logOf(t, most)
  const sizes = fc.integer({ min: 1, max: most })
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (second, any, where) => {
      const first = any % (second + 1)
      const proofPath = await consistencyProof(db, first, second)
      if (first > 0)
        assert.deepEqual(proofPath, naiveSubproof(first, leaves.slice(0, second), true))
      const [firstRoot, secondRoot] = await Promise.all([rootAt(db, first), rootAt(db, second)])
      const proof = { first, second, firstRoot, secondRoot, path: proofPath }
      assert.ok(verifyConsistency(proof))
      assert.ok(!verifyConsistency({ ...proof, firstRoot: randomBytes(32) }))
      if (first > 0) assert.ok(!verifyConsistency({ ...proof, secondRoot: randomBytes(32) }))
      for (const bad of damaged(proofPath, where))
        assert.ok(!verifyConsistency({ ...proof, path: bad }))
    }),
    { numRuns: 300 },
  )
})

test('the root of a log without leaves is the hash of nothing', async (t) => {
  const { db } = await logOf(t, 0)
  assert.deepEqual(await rootAt(db, 0), naiveRoot([]))
  await assert.rejects(async () => await inclusionProof(db, 0, 0), /not in a log of 0/)
})

test('appenders of many connections at once leave no gap and one tree', async (t) => {
  const { db } = await logOf(t, 0)
  await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      sql`select audit.append_leaf('test', ${`${i}`}, ${randomBytes(32)}::bytea)`.execute(db),
    ),
  )
  const { rows } = await sql<{ position: number; hash: Buffer }>`
    select position, hash from audit.leaf order by position`.execute(db)
  assert.deepEqual(
    rows.map((row) => row.position),
    Array.from({ length: 60 }, (_, i) => i),
  )
  assert.deepEqual(await rootAt(db, 60), naiveRoot(rows.map((row) => row.hash)))
})

test('an append that fails leaves nothing, and a thing is appended once', async (t) => {
  const { db } = await logOf(t, 5)
  const append = (id: string) =>
    sql`select audit.append_leaf('test', ${id}, ${randomBytes(32)}::bytea)`.execute(db)
  await assert.rejects(append('5'), /leaf_kind_id_key/)
  await assert.rejects(
    db.transaction().execute(async (trx) => {
      await sql`select audit.append_leaf('test', 'lost', ${randomBytes(32)}::bytea)`.execute(trx)
      throw new Error('the change failed')
    }),
    /the change failed/,
  )
  assert.equal(await logSize(db), 5)
  await append('next')
  assert.equal(await logSize(db), 6)
  await rootAt(db, 6)
})

test('refuses to change, delete or empty the log', async (t) => {
  const { db } = await logOf(t, 3)
  for (const statement of [
    `update audit.leaf set kind = 'x'`,
    'delete from audit.leaf',
    'truncate audit.leaf',
    `update audit.node set hash = sha256('x')`,
    'delete from audit.node',
    'truncate audit.node',
  ]) {
    await assert.rejects(sql.raw(statement).execute(db), /append-only/, statement)
  }
})

test('a proof is no longer than the tree is high, and a log stores fewer nodes than leaves', async (t) => {
  const { db } = await logOf(t, 1_000)
  for (const position of [0, 500, 998])
    assert.ok((await inclusionProof(db, position, 999)).length <= 10)
  assert.ok((await consistencyProof(db, 777, 999)).length <= 11)
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from audit.node`.execute(db)
  assert.ok((rows[0]?.count ?? 1_000) < 1_000)
})

test('the actions of an installation that is upgraded become the first leaves', async (t) => {
  const db = (await testDatabase(t)).as<AuditTables>()
  const folder = path.join(import.meta.dirname, 'migrations')
  const [first = '', second = '', ...rest] = readdirSync(folder).sort()
  const apply = async (name: string): Promise<void> =>
    void (await sql.raw(readFileSync(path.join(folder, name), 'utf8')).execute(db))
  const act = (id: number): Promise<void> =>
    db.transaction().execute((trx) =>
      append(trx, {
        ...{ event_id: `evt_${id}`, occurred_at: new Date(0), actor_kind: 'system' },
        ...{ actor_id: 'x', via: null, partner_id: null, action: 'x.done', target: 'x' },
        detail: {},
      }),
    )
  await sql`drop schema audit cascade`.execute(db)
  await apply(first)
  for (let id = 0; id < 21; id += 1) await act(id)
  await apply(second)
  await act(21)
  const entries = await db.selectFrom('audit.entry').selectAll().orderBy('sequence').execute()
  const leaves = await db.selectFrom('audit.leaf').selectAll().orderBy('position').execute()
  assert.deepEqual(
    leaves,
    entries.map(({ sequence, event_id: id, hash: own }) => ({
      ...{ position: sequence - 1, kind: 'action', id, hash: own },
    })),
  )
  for (const size of [1, 16, 21, 22])
    assert.deepEqual(await rootAt(db, size), naiveRoot(leaves.slice(0, size).map((l) => l.hash)))
  for (const name of rest) await apply(name)
  assert.equal((await verifyChain(db)).ok, true)
})
