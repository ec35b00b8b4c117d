import assert from 'node:assert/strict'
import { readFileSync, utimesSync } from 'node:fs'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { testFolder } from '#platform/testing-folder'
import { listSegments } from './list-segments.ts'
import { readSegment } from './segment.ts'
import { append, eventually, openTestJournal, testRecord } from './testing.ts'

type Received = { headers: Record<string, string | string[] | undefined>; bytes: Buffer }

async function intake(
  t: { after: (fn: () => void) => void },
  answer: (received: Received) => number,
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = { headers: request.headers, bytes: gunzipSync(Buffer.concat(chunks)) }
      received.push(one)
      response.writeHead(answer(one)).end('{}')
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { url: `http://127.0.0.1:${address.port}`, received }
}

test('sealed segments reach the intake oldest first, are tried until acknowledged, and are kept as shipped', async (t) => {
  const folder = testFolder(t)
  let failures = 3
  const { url, received } = await intake(t, () => {
    failures -= 1
    return failures >= 0 ? 503 : 202
  })
  const before = await openTestJournal(folder)
  await append(before, testRecord('exc_before'))
  await before.stop()
  const journal = await openTestJournal(folder, {
    segmentBytes: 100,
    ship: { url, token: 'secret' },
  })
  await append(journal, testRecord('exc_0'))
  await append(journal, testRecord('exc_1'))
  await journal.stop()
  const applied = received.slice(3)
  assert.deepEqual(
    applied.map(({ bytes }) => readSegment(bytes).records.map((record) => record.id)),
    [['exc_before'], ['exc_0'], ['exc_1']],
  )
  assert.equal(
    new Set(received.slice(0, 4).map(({ headers }) => headers['x-wayleave-boot'])).size,
    1,
  )
  const { headers, bytes } = applied[2] ?? assert.fail()
  const read = readSegment(bytes)
  assert.ok(read.ok)
  assert.equal(headers.authorization, 'Bearer secret')
  assert.equal(headers['x-wayleave-gateway'], 'gtw_test')
  assert.equal(headers['x-wayleave-boot'], journal.boot)
  assert.equal(headers['x-wayleave-sequence'], '1')
  assert.equal(headers['x-wayleave-sha256'], read.sha256)
  assert.deepEqual(
    listSegments(folder).map((file) => file.place),
    ['shipped', 'shipped', 'shipped'],
  )
})

test('a segment that the intake knows with other contents is set aside, and the next ones go on', async (t) => {
  const folder = testFolder(t)
  const { url } = await intake(t, ({ headers }) =>
    headers['x-wayleave-sequence'] === '0' ? 409 : 204,
  )
  const journal = await openTestJournal(folder, { segmentBytes: 100, ship: { url, token: 't' } })
  await append(journal, testRecord('exc_0'))
  await append(journal, testRecord('exc_1'))
  await journal.stop()
  assert.deepEqual(
    listSegments(folder).map((file) => file.place),
    ['quarantine', 'shipped'],
  )
})

test('with the intake gone, stopping is bounded and the segments wait for the next start', async (t) => {
  const folder = testFolder(t)
  const ship = { url: 'http://127.0.0.1:9', token: 't' }
  const journal = await openTestJournal(folder, { ship })
  await append(journal, testRecord('exc_0'))
  await journal.stop(200)
  assert.deepEqual(
    listSegments(folder).map((file) => file.place),
    ['waiting'],
  )
})

test('what was shipped is deleted after seven days, not before', async (t) => {
  const folder = testFolder(t)
  const { url } = await intake(t, () => 200)
  const journal = await openTestJournal(folder, { segmentBytes: 100, ship: { url, token: 't' } })
  await append(journal, testRecord('exc_0'))
  await append(journal, testRecord('exc_1'))
  await journal.stop()
  const [old] = listSegments(folder)
  assert.ok(old && readFileSync(old.path).length > 0)
  const eightDaysAgo = Date.now() / 1000 - 8 * 86_400
  utimesSync(old.path, eightDaysAgo, eightDaysAgo)
  await openTestJournal(folder, { ship: { url, token: 't' } }).then((again) => again.stop())
  const left = await eventually(() => listSegments(folder))
  assert.deepEqual(
    left.map((file) => file.sequence),
    [1],
  )
})
