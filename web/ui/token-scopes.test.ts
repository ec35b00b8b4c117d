import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endText, scopeRows, scopeText } from './token-scopes.ts'

const permission = (name: string, token = true) => ({
  name,
  title: name,
  partner: [],
  operator: [],
  stepUp: false,
  token,
})

test('a token is offered what its maker has and a token can have, reading apart from changing', () => {
  const table = {
    partner: [],
    operator: [],
    permissions: ['usage.read', 'member.manage', 'session.read', 'consent.read']
      .map((name) => permission(name))
      .concat(permission('own-token.change', false)),
  }
  const rows = scopeRows(table, {
    permissions: ['session.read', 'usage.read', 'member.manage', 'own-token.change'],
  })
  assert.deepEqual(rows, {
    reads: [{ name: 'usage.read', title: 'usage.read' }],
    changes: [{ name: 'member.manage', title: 'member.manage' }],
  })
})

test('scopes and ends are told in few words', () => {
  assert.equal(scopeText(undefined), 'all that its maker may do')
  assert.equal(scopeText(['session.read']), 'nothing')
  assert.equal(scopeText(['session.read', 'a', 'b']), 'a, b')
  assert.equal(scopeText(['a', 'b', 'c', 'd']), 'a, b and 2 more')
  const now = new Date('2026-01-01T00:00:00Z')
  assert.equal(endText(undefined, now), 'does not end by itself')
  assert.equal(endText('2026-01-01T00:00:00Z', now), 'has ended')
  assert.equal(endText('2026-01-01T12:00:00Z', now), 'within a day')
  assert.equal(endText('2026-01-08T00:00:00Z', now), 'in 7 days')
})
