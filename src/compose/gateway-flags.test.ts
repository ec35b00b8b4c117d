import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { gatewayFlags } from './gateway-flags.ts'

test('a gateway that is started by hand has the memory of one that the supervisor starts', () => {
  const script = readFileSync(path.join(import.meta.dirname, '../../wayleave'), 'utf8')
  assert.deepEqual(/gateway\) flags='([^']*)'/.exec(script)?.[1]?.split(' '), gatewayFlags)
})
