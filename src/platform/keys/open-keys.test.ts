import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { manualClock, systemClock } from '../clock.ts'
import { createSealing } from '../sealing.ts'
import { testPlatform } from '../testing.ts'
import { masterKeyFile } from './master-key-file.ts'
import { openKeys } from './open-keys.ts'
import { refuseForeignKeys, settleMasterKey } from './prepare-keys.ts'
import { replaceMasterKey } from './replace-master-key.ts'
import { type ResealResult, resealValues, type SealedColumn } from './reseal.ts'
import { rewrapKeys } from './rewrap-keys.ts'
import { dueAfter, type KeyChange, rotateDataKey } from './rotate-data-key.ts'

async function installation(t: TestContext, env: Record<string, string> = {}) {
  const { config, database } = await testPlatform(t, { env })
  const clock = manualClock('2026-01-01T00:00:00Z')
  const changes: KeyChange[] = []
  const open = (given = config) => openKeys({ config: given, database, clock, create: true })
  const use = async (keys = open()) => ({
    database,
    clock,
    keys: await keys,
    record: (_: unknown, change: KeyChange) => {
      changes.push(change)
      return Promise.resolve()
    },
  })
  const ring = async () =>
    (
      await database.pool.query<{ id: string; state: string; kek: string | null }>(
        `select id, state, kek from platform.data_key where purpose = 'seal' order by made_at, state desc`,
      )
    ).rows
  return { config, database, clock, changes, open, use, ring }
}

const things: SealedColumn = {
  table: 'public.thing',
  column: 'sealed',
  key: ['kind', 'number'],
  context: ({ kind, number }) => `thing.${kind}.${number}`,
}

const firstKey = Buffer.alloc(32, 3)
const firstEnv = { WAYLEAVE_SECRET_KEY: firstKey.toString('base64url') }

/** An installation as the first releases left it: a master key, its check, and no ring. */
async function firstRelease(t: TestContext) {
  const made = await installation(t, firstEnv)
  const sealing = createSealing(firstKey)
  const { rows } = await made.database.pool.query<{ id: string }>(
    'select id from platform.installation',
  )
  await made.database.pool.query('update platform.installation set key_check = $1', [
    sealing.keyedHash('installation', rows[0]?.id ?? ''),
  ])
  return { ...made, sealing }
}

test('a first start makes a master key that only its owner reads, and every process opens the same keys', async (t) => {
  const { config, open, ring } = await installation(t)
  const [one, other] = await Promise.all([open(), open()])
  const file = masterKeyFile(config)
  assert.match(readFileSync(file, 'utf8'), /^[\w-]{43}$/)
  assert.equal(one.sealing.keyedHash('a', 'x'), other.sealing.keyedHash('a', 'x'))
  assert.equal(other.sealing.open(one.sealing.seal('text', 'place'), 'place'), 'text')
  assert.deepEqual((await ring()).map(({ state }) => state).sort(), ['current', 'next'])
  // The key in the file wraps; it is not what values and hashes are made with.
  const key = Buffer.from(readFileSync(file, 'utf8'), 'base64url')
  assert.notEqual(createSealing(key).keyedHash('a', 'x'), one.sealing.keyedHash('a', 'x'))
})

test('no key of the database is readable in it', async (t) => {
  const { database, open } = await installation(t)
  const { sealing } = await open()
  const { rows } = await database.pool.query<{ row: string }>(
    'select to_jsonb(k)::text as row from platform.data_key k',
  )
  const child = sealing.machineToken('gateway:sandbox')
  for (const { row } of rows) {
    assert.ok(!row.includes(child))
    assert.match(row, /"kek": ?"file:[0-9a-f]{12}"/)
  }
  assert.equal(rows.length, 3)
})

for (const [what, spoil, message] of [
  ['readable by others', (file: string) => chmodSync(file, 0o640), /mode 0640\): chmod 600/],
  [
    'in a folder that others write to',
    (file: string) => chmodSync(path.dirname(file), 0o770),
    /can be written by other accounts.*chmod 700/,
  ],
  ['gone', (file: string) => rmSync(file), /cannot be read: restore it/],
  ['cut short', (file: string) => writeFileSync(file, 'abc'), /is damaged: restore it/],
  [
    'another one',
    (file: string) => writeFileSync(file, Buffer.alloc(32, 1).toString('base64url')),
    /made with another master key .*restore data\/secrets\/master\.key/,
  ],
] as const) {
  test(`a master key that is ${what} is refused, and nothing is made in its place`, async (t) => {
    const { config, database, open } = await installation(t)
    await open()
    const file = masterKeyFile(config)
    spoil(file)
    const options = { config, database, clock: systemClock }
    await assert.rejects(openKeys({ ...options, create: false }), message)
    await assert.rejects(refuseForeignKeys(options), message)
    const { rows } = await database.pool.query('select id from platform.data_key')
    assert.equal(rows.length, 3)
  })
}

test('a master key of another account is refused', {
  skip: process.getuid?.() !== 0 && 'only root can give a file away',
}, async (t) => {
  const { config, open } = await installation(t)
  await open()
  chownSync(masterKeyFile(config), 65_534, 65_534)
  await assert.rejects(open(), /belongs to nobody, who can read and replace it: chown root/)
})

test('a key of another place of the ring, or of another installation, does not open', async (t) => {
  const { database, open } = await installation(t)
  await open()
  const rows = async () =>
    (
      await database.pool.query<{ id: string; wrapped: string }>(
        `select id, wrapped from platform.data_key where purpose = 'seal'`,
      )
    ).rows
  const [a, b] = await rows()
  await database.pool.query('update platform.data_key set wrapped = $1 where id = $2', [
    b?.wrapped,
    a?.id,
  ])
  await assert.rejects(open(), /was altered or is of another installation/)
  await database.pool.query('update platform.data_key set wrapped = $1 where id = $2', [
    a?.wrapped,
    a?.id,
  ])
  await open()
  await database.pool.query(`update platform.installation set id = 'another'`)
  await assert.rejects(open(), /was altered or is of another installation/)
})

test('an installation of the first releases keeps its hashes, tokens and values, and older processes read what it seals until they are gone', async (t) => {
  const { sealing: old, clock, use, open, ring } = await firstRelease(t)
  const early = firstSealed('early', 'place')
  const { sealing } = await open()
  for (const purpose of ['session', 'client-secret', 'subject'])
    assert.equal(sealing.keyedHash(purpose, 'x'), old.keyedHash(purpose, 'x'))
  assert.equal(sealing.machineToken('intake:sandbox'), old.machineToken('intake:sandbox'))
  assert.equal(
    sealing.child('gateway:sandbox').keyedHash('subject', '1'),
    old.child('gateway:sandbox').keyedHash('subject', '1'),
  )
  assert.equal(sealing.open(early, 'place'), 'early')
  const between = sealing.seal('between', 'place')
  assert.match(between, /^v1\./)
  assert.equal(old.open(between, 'place'), 'between')

  const one = await use()
  clock.advance(3_599_000)
  assert.equal((await rotateDataKey(one, { due: dueAfter(90) })).rotated, false)
  clock.advance(1_000)
  assert.equal((await rotateDataKey(one, { due: dueAfter(90) })).rotated, true)
  assert.deepEqual(
    (await ring()).map(({ id, state }) => [id === 'v1' ? id : '', state]),
    [
      ['v1', 'previous'],
      ['', 'current'],
      ['', 'next'],
    ],
  )
  const after = one.keys.sealing.seal('after', 'place')
  assert.match(after, /^v2\./)
  const later = (await open()).sealing
  for (const [value, text] of [
    [early, 'early'],
    [between, 'between'],
    [after, 'after'],
  ] as const)
    assert.equal(later.open(value, 'place'), text)
})

/** What the first releases wrote; a process whose current key is `v1` still does. */
function firstSealed(text: string, context: string): string {
  const ring = { current: () => 'v1' as const, find: () => undefined }
  return createSealing(firstKey, ring).seal(text, context)
}

test('an installation of the first releases is refused with another master key, and stays as it is', async (t) => {
  const { config, database } = await firstRelease(t)
  const other = { ...config, secretKey: Buffer.alloc(32, 9) }
  const options = { config: other, database, clock: systemClock, create: true }
  await assert.rejects(openKeys(options), /made with another master key/)
  await assert.rejects(refuseForeignKeys(options), /made with another master key/)
  const { rows } = await database.pool.query('select id from platform.data_key')
  assert.deepEqual(rows, [])
})

test('a data key seals only when every process can know it, and what it sealed is sealed anew', async (t) => {
  const { database, clock, changes, open, use, ring } = await installation(t)
  await database.pool.query(
    'create table thing (kind text, number int, sealed text, primary key (kind, number))',
  )
  const one = await use()
  const another = await open()
  assert.deepEqual(await rotateDataKey(one), { rotated: false, why: 'too-soon', waitMs: 30_000 })
  clock.advance(30_000)
  // More rows than one batch, in an order that text and numbers do not share.
  await database.pool.query(
    `insert into thing select 'a', n, v from unnest($1::int[], $2::text[]) as t (n, v)`,
    [
      Array.from({ length: 450 }, (_, n) => n),
      Array.from({ length: 450 }, (_, n) => another.sealing.seal(`text ${n}`, `thing.a.${n}`)),
    ],
  )
  const rotated = await rotateDataKey(one)
  assert.equal(rotated.rotated, true)
  const [previous, current, next] = await ring()
  assert.deepEqual([previous?.state, current?.state, next?.state], ['previous', 'current', 'next'])
  // A process that has not heard of it seals with the one before, and opens what the new one sealed.
  const late = another.sealing.seal('late', 'thing.b.1')
  assert.ok(late.startsWith(`v2.${previous?.id}.`))
  assert.equal(another.sealing.open(one.keys.sealing.seal('new', 'x'), 'x'), 'new')

  const early: ResealResult = await resealValues(one, [things])
  assert.deepEqual(early, { resealed: 450, left: 0, retired: [] })
  await database.pool.query(`insert into thing values ('b', 1, $1)`, [late])
  clock.advance(30_000)
  assert.deepEqual(await resealValues(one, [things]), {
    ...{ resealed: 1, left: 0, retired: [previous?.id] },
  })
  const { rows } = await database.pool.query<{ kind: string; number: number; sealed: string }>(
    'select * from thing',
  )
  assert.equal(rows.length, 451)
  for (const { kind, number, sealed } of rows) {
    assert.ok(sealed.startsWith(`v2.${current?.id}.`))
    const text = one.keys.sealing.open(sealed, `thing.${kind}.${number}`)
    assert.equal(text, kind === 'a' ? `text ${number}` : 'late')
  }
  assert.equal(one.keys.sealing.open(late, 'thing.b.1'), 'late')
  assert.deepEqual(
    changes.map(({ action, target }) => [action, target]),
    [
      ['data-key.rotated', current?.id],
      ['data-key.retired', previous?.id],
    ],
  )
})

test('a value that does not open is left as it is and counted, and its key is not retired', async (t) => {
  const { database, clock, use } = await installation(t)
  await database.pool.query(
    'create table thing (kind text, number int, sealed text, primary key (kind, number))',
  )
  const one = await use()
  const { sealing } = one.keys
  const foreign = sealing.seal('moved', 'elsewhere')
  await database.pool.query(`insert into thing values ('a', 1, $1), ('a', 2, $2)`, [
    foreign,
    sealing.seal('good', 'thing.a.2'),
  ])
  clock.advance(30_000)
  await rotateDataKey(one)
  clock.advance(30_000)
  assert.deepEqual(await resealValues(one, [things]), { resealed: 1, left: 1, retired: [] })
  const { rows } = await database.pool.query('select sealed from thing where number = 1')
  assert.deepEqual(rows, [{ sealed: foreign }])
})

test('wrapped keys of subjects are wrapped anew, and open what they sealed', async (t) => {
  const { database, clock, use } = await installation(t)
  await database.pool.query(
    'create table thing (kind text, number int, sealed text, primary key (kind, number))',
  )
  const one = await use()
  const { wrapped, key } = one.keys.sealing.newDataKey('thing.a.1')
  const sealed = key.seal('evidence', 'record')
  await database.pool.query(`insert into thing values ('a', 1, $1)`, [wrapped])
  clock.advance(30_000)
  await rotateDataKey(one)
  const column = { ...things, kind: 'data-key' } as const
  assert.equal((await resealValues(one, [column])).resealed, 1)
  const { rows } = await database.pool.query<{ sealed: string }>('select sealed from thing')
  assert.notEqual(rows[0]?.sealed, wrapped)
  const again = one.keys.sealing.openDataKey(rows[0]?.sealed ?? '', 'thing.a.1')
  assert.equal(again.open(sealed, 'record'), 'evidence')
})

test('of many processes that find a rotation due, one rotates', async (t) => {
  const { clock, open, use, ring } = await installation(t)
  const processes = await Promise.all(Array.from({ length: 6 }, () => use(open())))
  clock.advance(90 * 86_400_000)
  const results = await Promise.all(
    processes.map((one) => rotateDataKey(one, { due: dueAfter(90) })),
  )
  assert.equal(results.filter(({ rotated }) => rotated).length, 1)
  assert.equal((await ring()).length, 3)
})

test('a new master key wraps the same keys; the former one stays beside it, and no value changes', async (t) => {
  const { config, changes, open, use, ring } = await installation(t)
  const one = await use()
  const sealed = one.keys.sealing.seal('text', 'place')
  const before = readFileSync(masterKeyFile(config), 'utf8')
  const rings = await ring()
  assert.equal(await replaceMasterKey(config, one), 3)
  assert.notEqual(readFileSync(masterKeyFile(config), 'utf8'), before)
  const folder = path.dirname(masterKeyFile(config))
  const former = readdirSync(folder).filter((name) => name.startsWith('master-'))
  assert.deepEqual(
    former.map((name) => readFileSync(path.join(folder, name), 'utf8')),
    [before],
  )
  const again = await open()
  assert.equal(again.sealing.open(sealed, 'place'), 'text')
  assert.equal(again.sealing.keyedHash('a', 'x'), one.keys.sealing.keyedHash('a', 'x'))
  assert.deepEqual(
    (await ring()).map(({ id }) => id),
    rings.map(({ id }) => id),
  )
  assert.equal(changes.at(-1)?.action, 'data-key.rewrapped')
})

test('a replacement of the master key that was cut off after the database changed opens, and is ended', async (t) => {
  const { config, database, open, use, ring } = await installation(t)
  const one = await use()
  const sealed = one.keys.sealing.seal('text', 'place')
  const file = masterKeyFile(config)
  const before = readFileSync(file)
  await replaceMasterKey(config, one)
  // As it is between the transaction and the change of names.
  const folder = path.dirname(file)
  const [former = ''] = readdirSync(folder).filter((name) => name.startsWith('master-'))
  const kek = (await ring())[0]?.kek?.slice('file:'.length)
  rmSync(path.join(folder, former))
  writeFileSync(path.join(folder, `master-${kek}.key`), readFileSync(file), { mode: 0o600 })
  writeFileSync(file, before)
  assert.equal((await open()).sealing.open(sealed, 'place'), 'text')
  await settleMasterKey(config, database)
  assert.notDeepEqual(readFileSync(file), before)
  assert.ok(existsSync(path.join(folder, former)))
  assert.equal((await open()).sealing.open(sealed, 'place'), 'text')
})

test('the key of the setting is replaced by another one with both set, then without the former', async (t) => {
  const { config, open, use } = await installation(t, firstEnv)
  const sealed = (await open()).sealing.seal('text', 'place')
  const secretKey = Buffer.alloc(32, 4)
  const next = { ...config, secretKey, keys: { ...config.keys, previousSecretKey: firstKey } }
  await assert.rejects(open({ ...config, secretKey }), /made with another master key/)
  const one = await use(open(next))
  assert.equal(await rewrapKeys(one), 3)
  const after = await open({ ...config, secretKey })
  assert.equal(after.sealing.open(sealed, 'place'), 'text')
  await assert.rejects(open(config), /made with another master key/)
})

test('what a gateway holds opens what is sealed for it, before and after every rotation', async (t) => {
  const { config, clock, open, use } = await installation(t)
  const one = await use()
  const held = Buffer.from(one.keys.sealing.machineToken('gateway:production'), 'base64url')
  const gateway = createSealing(held)
  const early = one.keys.sealing.child('gateway:production').seal('+99010000001', 'subject:c')
  clock.advance(30_000)
  assert.equal((await rotateDataKey(one)).rotated, true)
  await replaceMasterKey(config, one)
  const { sealing } = await open()
  assert.equal(sealing.machineToken('gateway:production'), held.toString('base64url'))
  const child = sealing.child('gateway:production')
  for (const sealed of [early, child.seal('+99010000001', 'subject:c')])
    assert.equal(gateway.open(sealed, 'subject:c'), '+99010000001')
  assert.equal(gateway.keyedHash('subject', '1'), child.keyedHash('subject', '1'))
  const other = createSealing(Buffer.from(sealing.machineToken('gateway:sandbox'), 'base64url'))
  assert.throws(() => other.open(early, 'subject:c'))
})

test('no key of the ring can be removed, not by a mistake at a prompt either', async (t) => {
  const { database, open } = await installation(t)
  await open()
  for (const removal of ['delete from platform.data_key', 'truncate platform.data_key'])
    await assert.rejects(database.pool.query(removal), /keys are never removed/)
  const { rows } = await database.pool.query('select id from platform.data_key')
  assert.equal(rows.length, 3)
})
