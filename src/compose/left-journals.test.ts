import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type Journal, listSegments, openJournal } from '#journal'
import { eventually, testRecord } from '#journal/testing'
import { createLog } from '#platform/log'
import { testFolder } from '#platform/testing-folder'
import { shipLeftJournals } from './left-journals.ts'

const log = createLog({ name: 'test', level: 'silent' })

test('the journal of a slot that nobody takes up again is shipped by another process of the gateway', async (t) => {
  const folder = testFolder(t)
  const took: unknown[] = []
  const intake = createServer((request, response) => {
    took.push(request.headers['x-wayleave-gateway'])
    request.resume().on('end', () => response.end())
  })
  await new Promise<void>((resolve) => {
    intake.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => void intake.close())
  const url = `http://127.0.0.1:${(intake.address() as AddressInfo).port}`
  const open = (gatewayId: string, ships: boolean): Promise<Journal> =>
    openJournal({
      ...{ folder, gatewayId, environment: 'sandbox', sync: 'never', now: Date.now, log },
      ...(ships ? { ship: { url, token: 'x' } } : {}),
    })
  const write = async (gatewayId: string): Promise<Journal> => {
    const journal = await open(gatewayId, false)
    await new Promise((resolve) => {
      journal.append(testRecord('exc_1'), resolve)
    })
    return journal
  }
  for (const ended of ['gw', 'gw-4', 'gw-a', 'gwx-1', 'other-1']) await (await write(ended)).stop()
  const live = await write('gw-2')
  t.after(() => live.stop())
  const shipping = shipLeftJournals({
    ...{ folder, own: 'gw', gatewayId: 'gw-1', log, everyMs: 20 },
    open: (gatewayId) => open(gatewayId, true),
  })
  t.after(() => shipping.stop())
  await eventually(() => took.length === 2)
  assert.deepEqual(new Set(took), new Set(['gw', 'gw-4']))
  const waiting = (): string[] =>
    listSegments(folder)
      .filter(({ place }) => place === 'waiting')
      .map(({ gatewayId }) => gatewayId)
  await eventually(() => !waiting().includes('gw') && !waiting().includes('gw-4'))
  await shipping.stop()
  assert.deepEqual(new Set(waiting()), new Set(['gw-2', 'gw-a', 'gwx-1', 'other-1']))
  assert.equal(took.length, 2)
  // Nobody keeps it: its slot may be taken again.
  await (await write('gw-4')).stop()
})
