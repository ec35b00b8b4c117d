import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  GatewayReport,
  GatewayStatus,
  TargetState,
  UpstreamState,
  ViolationState,
} from '#monitoring/schema'
import { timeText } from '../../ui/format.ts'
import { gatewayState, upstreamsByApi, violationsOf } from './gateway-reports.ts'

const target = (name: string, state: TargetState['state'] = 'serving'): TargetState => ({
  ...{ name, state, side: 'primary', weight: 1, backInSeconds: 0 },
  ...{ inFlight: 0, calls: 0, failures: 0 },
})
const upstream = (api: string, more: Partial<UpstreamState> = {}): UpstreamState => ({
  ...{ api, owner: { team: 'Identity', contact: 'identity@example.com' }, kind: 'http' },
  ...{ inFlight: 0, targets: [target('a')] },
  ...more,
})
const report = (gatewayId: string, more: Partial<GatewayReport>): GatewayReport => ({
  ...{ gatewayId, environment: 'sandbox', upstreams: [], violations: [] },
  ...more,
})

test('a gateway is live, behind by so many revisions, or gone', () => {
  const at = '2026-11-21T10:00:00Z'
  const base: Omit<GatewayStatus, 'state' | 'behind'> = {
    environment: 'sandbox',
    gatewayId: 'g',
    revision: 1,
    startedAt: at,
    seenAt: at,
  }
  assert.equal(gatewayState({ ...base, state: 'live', behind: 0 }).text, 'live')
  assert.equal(gatewayState({ ...base, state: 'live', behind: 3 }).text, '3 behind')
  assert.equal(gatewayState({ ...base, state: 'gone', behind: 3 }).text, 'gone')
})

test('an API is shown once an environment, with the targets of each gateway, trouble first', () => {
  const shadow = {
    ...{ percent: 5, same: 1, different: 2, failed: 0, skipped: 0 },
    differences: [
      {
        operation: 'check',
        path: 'swapped',
        kind: 'value',
        count: 2,
        lastAt: '2026-11-21T10:00:00Z',
      },
    ],
  }
  const at = '2026-11-21T10:00:00.000Z'
  const canary = { percent: 10, calls: 20, errorPercent: 25, rolledBack: { at } }
  const apis = upstreamsByApi([
    report('g1', { upstreams: [upstream('a/v1'), upstream('b/v1', { shadow })] }),
    report('g2', {
      upstreams: [
        upstream('a/v1'),
        upstream('b/v1', { shadow, canary, targets: [target('a', 'open')] }),
      ],
    }),
    report('g3', { environment: 'production', upstreams: [upstream('a/v1')] }),
  ])
  assert.deepEqual(
    apis.map(({ api, environment, well, targets }) => [api, environment, well, targets.length]),
    [
      ['b/v1', 'sandbox', false, 2],
      ['a/v1', 'sandbox', true, 2],
      ['a/v1', 'production', true, 1],
    ],
  )
  assert.deepEqual(apis[0]?.differences, [
    {
      operation: 'check',
      path: 'swapped',
      kind: 'value',
      count: 4,
      lastAt: '2026-11-21T10:00:00Z',
    },
  ])
  assert.equal(
    apis[0]?.shadow,
    '5 % of the safe calls: 2 the same, 4 different, 0 failed, 0 left out',
  )
  assert.deepEqual(apis[0]?.canary, [
    `g2: taken back ${timeText(at)}; 25.0 % of its last 20 calls failed`,
  ])
})

test('what several gateways saw of one departure is one row with the sum', () => {
  const violation: ViolationState = {
    api: 'a/v1',
    operation: 'check',
    owner: { team: 'T', contact: 'c' },
    status: 200,
    keyword: 'type',
    schemaPath: '#/x',
    action: 'stripped',
    count: 2,
    firstSeenAt: '2026-11-21T10:00:00Z',
    lastSeenAt: '2026-11-21T10:00:01Z',
  }
  const later: ViolationState = { ...violation, count: 3, lastSeenAt: '2026-11-21T10:00:09Z' }
  const rows = violationsOf([
    report('g1', { violations: [violation] }),
    report('g2', { violations: [later, { ...violation, action: 'refused' }] }),
  ])
  assert.deepEqual(
    rows.map(({ action, count, lastSeenAt }) => [action, count, lastSeenAt]),
    [
      ['stripped', 5, '2026-11-21T10:00:09Z'],
      ['refused', 2, '2026-11-21T10:00:01Z'],
    ],
  )
})
