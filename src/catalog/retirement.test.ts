import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'
import { manualClock } from '#platform/clock'
import { testDispatcher, testPlatform } from '#platform/testing'
import { changeLifecycle } from './change-lifecycle.ts'
import { createCatalog } from './create-catalog.ts'
import type { PublishResult } from './publish-api.ts'
import type { LifecycleChange } from './schema.ts'
import { parcelDocument, parcelProduct, replaced } from './testing.ts'

const operator: Actor = { kind: 'operator', id: 'stf_1', name: 'Op', role: 'product', via: 'token' }
const id = 'parcel-tracking/v1'
const next = 'parcel-tracking/v2'
const day = 86_400_000

/** A catalog with two versions, at the beginning of 2026; mails are kept by the partner that they are for. */
async function setUp(t: TestContext) {
  const clock = manualClock('2026-01-01T00:00:00Z')
  const platform = await testPlatform(t, { clock })
  const mails: { partnerId: string; subject: string; text: string }[] = []
  const asked: [string, string][] = []
  const catalog = createCatalog(platform, {
    async usersOf(apiId, since) {
      asked.push([apiId, since.toISOString()])
      return ['prt_1', 'prt_2']
    },
    async mailMembers(_trx, partnerId, message) {
      mails.push({ partnerId, ...message })
    },
  })
  t.after(() => catalog.close())
  const publish = (more = '', document = parcelDocument): Promise<PublishResult> =>
    catalog.publish({ document, product: `${parcelProduct}${more}` }, operator)
  await publish()
  await publish('', replaced(parcelDocument, ['/parcel-tracking/v1', '/parcel-tracking/v2']))
  const change = (body: LifecycleChange) => changeLifecycle(platform, id, body, operator)
  const state = async () => {
    const [listed] = await catalog.list(['draft', 'published', 'deprecated', 'retired'])
    const entry = await catalog.apiEntry(id, 'sandbox')
    assert.deepEqual(listed?.retirement, entry?.retirement)
    return [listed?.lifecycle, listed?.retirement]
  }
  const deliver = () => testDispatcher(t, platform, catalog.subscribers)
  return { clock, platform, catalog, publish, change, state, mails, asked, deliver }
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !holds(); await delay(10))
    assert.ok(performance.now() < end, 'it did not hold in time')
}

const refusedWith = (path: string, message: RegExp) => (error: unknown) =>
  error instanceof AppError &&
  error.code === 'INVALID_ARGUMENT' &&
  error.violations?.length === 1 &&
  error.violations[0]?.path === path &&
  message.test(error.violations[0].message)

test('deprecating names an end, begins now, and can name who comes next', async (t) => {
  const { change, state, clock } = await setUp(t)
  const { warnings } = await change({
    state: 'deprecated',
    sunsetAt: '2026-09-01T02:00:00+02:00',
    successor: next,
  })
  assert.deepEqual(warnings, [])
  const retirement = {
    deprecatedAt: '2026-01-01T00:00:00.000Z',
    sunsetAt: '2026-09-01T00:00:00.000Z',
    successor: next,
  }
  assert.deepEqual(await state(), ['deprecated', retirement])
  clock.advance(day)
  const same = await change({ state: 'deprecated', sunsetAt: '2026-09-01T00:00:00Z' })
  assert.equal(same.eventId, undefined, 'the same again is no change')
  const later = await change({ state: 'deprecated', sunsetAt: '2026-12-01T00:00:00Z' })
  assert.notEqual(later.eventId, undefined)
  assert.deepEqual(await state(), [
    'deprecated',
    { ...retirement, sunsetAt: '2026-12-01T00:00:00.000Z' },
  ])
})

test('less than half a year of notice is warned of, to the day', async (t) => {
  const { change } = await setUp(t)
  const at = (days: number) => new Date(Date.parse('2026-01-01') + days * day).toISOString()
  assert.deepEqual((await change({ state: 'deprecated', sunsetAt: at(182) })).warnings, [])
  assert.deepEqual((await change({ state: 'deprecated', sunsetAt: at(181) })).warnings, [
    'sunsetAt gives partners 181 days to move: 182 (six months) are reasonable notice.',
  ])
})

for (const [title, body, path, message] of [
  ['no end', { state: 'deprecated' }, '/sunsetAt', /is needed/],
  [
    'a second that no clock here has',
    { state: 'deprecated', sunsetAt: '2026-12-31T23:59:60Z' },
    '/sunsetAt',
    /no moment of the calendar/,
  ],
  [
    'an end in the past',
    { state: 'deprecated', sunsetAt: '2026-01-01T00:00:00Z' },
    '/sunsetAt',
    /in the past/,
  ],
  [
    'an end before the beginning',
    { state: 'deprecated', deprecatedAt: '2026-05-01T00:00:00Z', sunsetAt: '2026-04-01T00:00:00Z' },
    '/sunsetAt',
    /after deprecatedAt/,
  ],
  [
    'a successor that is not there',
    { state: 'deprecated', sunsetAt: '2026-09-01T00:00:00Z', successor: 'parcel-tracking/v3' },
    '/successor',
    /no API version in the catalog/,
  ],
  [
    'itself as successor',
    { state: 'deprecated', sunsetAt: '2026-09-01T00:00:00Z', successor: id },
    '/successor',
    /the version itself/,
  ],
  [
    'a date for what is published',
    { state: 'published', sunsetAt: '2026-09-01T00:00:00Z' },
    '/sunsetAt',
    /no meaning/,
  ],
  [
    'a date for what is retired now',
    { state: 'retired', sunsetAt: '2026-09-01T00:00:00Z' },
    '/sunsetAt',
    /no meaning/,
  ],
] as const) {
  test(`refuses a change with ${title}, and changes nothing`, async (t) => {
    const { change, state } = await setUp(t)
    await assert.rejects(change(body), refusedWith(path, message))
    assert.deepEqual(await state(), ['published', undefined])
  })
}

test('the calendar deprecates and retires at the named moments, once, and tells of it', async (t) => {
  const { change, state, clock, catalog, platform } = await setUp(t)
  await change({
    state: 'deprecated',
    deprecatedAt: '2026-02-01T00:00:00Z',
    sunsetAt: '2026-09-01T00:00:00Z',
  })
  const retirement = {
    deprecatedAt: '2026-02-01T00:00:00.000Z',
    sunsetAt: '2026-09-01T00:00:00.000Z',
  }
  assert.deepEqual(await state(), ['published', retirement], 'announced, and not begun')
  assert.deepEqual(await catalog.retireDue(), [])
  clock.advance(31 * day)
  assert.deepEqual(await catalog.retireDue(), [id])
  assert.deepEqual(await state(), ['deprecated', retirement])
  clock.advance(211 * day)
  assert.deepEqual(await catalog.retireDue(), [])
  clock.advance(day)
  const both = await Promise.all([catalog.retireDue(), catalog.retireDue()])
  assert.deepEqual(both.flat(), [id], 'two at the same time retire it once')
  assert.deepEqual(await state(), ['retired', retirement])
  const { rows } = await platform.database.pool.query(
    `select payload ->> 'actorId' as actor, payload -> 'detail' ->> 'to' as state from platform.outbox
     where payload ->> 'action' = 'api.lifecycle-changed' order by position`,
  )
  assert.deepEqual(rows.slice(1), [
    { actor: 'calendar', state: 'deprecated' },
    { actor: 'calendar', state: 'retired' },
  ])
})

test('a version that is retired early ended now, and one that comes back has no end', async (t) => {
  const { change, state, clock } = await setUp(t)
  await change({ state: 'deprecated', sunsetAt: '2026-09-01T00:00:00Z' })
  clock.advance(10 * day)
  await change({ state: 'retired', successor: next })
  assert.deepEqual(await state(), [
    'retired',
    {
      deprecatedAt: '2026-01-01T00:00:00.000Z',
      sunsetAt: '2026-01-11T00:00:00.000Z',
      successor: next,
    },
  ])
  await change({ state: 'published' })
  assert.deepEqual(await state(), ['published', undefined])
})

test('a manifest deprecates as the management API does, and what it does not say stays', async (t) => {
  const { publish, state, change } = await setUp(t)
  const said = await publish(
    `deprecation: { sunsetAt: "2026-09-01T00:00:00Z", successor: ${next} }\n`,
  )
  assert.ok(!('faults' in said))
  const retirement = {
    deprecatedAt: '2026-01-01T00:00:00.000Z',
    sunsetAt: '2026-09-01T00:00:00.000Z',
    successor: next,
  }
  assert.deepEqual(await state(), ['deprecated', retirement])
  await publish('timeoutMs: 500\n')
  assert.deepEqual(await state(), ['deprecated', retirement])
  await publish('timeoutMs: 500\nstate: published\n')
  assert.deepEqual(await state(), ['published', undefined])
  await change({ state: 'deprecated', sunsetAt: '2026-12-01T00:00:00Z' })
  await publish('timeoutMs: 600\nstate: deprecated\n')
  assert.deepEqual((await state())[0], 'deprecated')
})

for (const [title, more, path, message] of [
  [
    'an end in the past',
    'deprecation: { sunsetAt: "2025-01-01T00:00:00Z" }\n',
    '#/deprecation/sunsetAt',
    /in the past/,
  ],
  [
    'an end in the past of what is published',
    'state: published\ndeprecation: { deprecatedAt: "2026-02-01T00:00:00Z", sunsetAt: "2025-01-01T00:00:00Z" }\n',
    '#/deprecation/sunsetAt',
    /must be after/,
  ],
  [
    'a beginning that has come of what is published',
    'state: published\ndeprecation: { sunsetAt: "2027-01-01T00:00:00Z" }\n',
    '#/state',
    /its deprecation has begun/,
  ],
] as const) {
  test(`refuses a manifest with ${title}, where it stands`, async (t) => {
    const { publish, state } = await setUp(t)
    const result = await publish(more)
    assert.ok('faults' in result, 'it was published')
    assert.deepEqual(
      result.faults.map((f) => [f.file, f.path]),
      [['product.yaml', path]],
    )
    assert.match(result.faults[0]?.message ?? '', message)
    assert.ok((result.faults[0]?.line ?? 0) >= 5)
    assert.deepEqual(await state(), ['published', undefined])
  })
}

test('a manifest is warned of short notice and of a successor that is not there yet', async (t) => {
  const { publish } = await setUp(t)
  const result = await publish(
    'deprecation: { sunsetAt: "2026-03-01T00:00:00Z", successor: parcel-tracking/v3 }\n',
  )
  assert.ok(!('faults' in result))
  const told = result.warnings.filter(({ file }) => file === 'product.yaml')
  assert.match(told[0]?.message ?? '', /gives partners 59 days/)
  assert.match(told[1]?.message ?? '', /parcel-tracking\/v3 is no API version in the catalog/)
})

test('each partner of the last 90 days hears of an announcement once, of the latest one, and of its end', async (t) => {
  const { change, mails, asked, deliver } = await setUp(t)
  await change({ state: 'deprecated', sunsetAt: '2026-08-01T00:00:00Z' })
  await change({
    state: 'deprecated',
    sunsetAt: '2026-09-01T10:30:00Z',
    successor: next,
  })
  await deliver()
  await until(() => mails.length === 2)
  assert.deepEqual(
    asked,
    [[id, '2025-10-03T00:00:00.000Z']],
    'the first was replaced before it left',
  )
  assert.deepEqual(
    mails.map(({ partnerId, subject }) => [partnerId, subject]),
    [
      ['prt_1', `${id} ends on 2026-09-01`],
      ['prt_2', `${id} ends on 2026-09-01`],
    ],
  )
  const { text = '' } = mails[0] ?? {}
  assert.match(
    text,
    /deprecated from 2026-01-01 00:00 UTC on, and stops to answer at 2026-09-01 10:30 UTC/,
  )
  assert.match(text, new RegExp(`Move to ${next}: http.*/apis/${next}`))
  mails.length = 0
  await change({ state: 'deprecated', sunsetAt: '2026-09-01T10:30:00Z' })
  await change({ state: 'published' })
  await until(() => mails.length === 2)
  assert.deepEqual(
    mails.map(({ subject }) => subject),
    [`${id} stays`, `${id} stays`],
  )
})
