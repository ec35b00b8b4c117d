import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoleTable } from '#identity/schema'
import { roleRows, whyNot } from './roles.ts'

const row = { stepUp: false, token: true }
const table: RoleTable = {
  partner: [
    { role: 'owner', description: '' },
    { role: 'developer', description: '' },
    { role: 'viewer', description: '' },
  ],
  operator: [
    { role: 'administrator', description: '' },
    { role: 'partner-success', description: '' },
  ],
  permissions: [
    {
      ...row,
      name: 'credential.change',
      title: 'make credentials',
      partner: ['owner', 'developer'],
      operator: ['administrator', 'partner-success'],
    },
    {
      ...row,
      name: 'staff.read',
      title: 'see the staff',
      partner: [],
      operator: ['administrator'],
    },
    { ...row, name: 'contract.open', title: 'open a contract', partner: ['owner'], operator: [] },
  ],
}

test('whoever may not is told who may, or on which side somebody may', () => {
  assert.equal(
    whyNot(table, { kind: 'partner', role: 'viewer' }, 'credential.change'),
    'As viewer you may not make credentials. Roles that may: owner and developer.',
  )
  assert.equal(
    whyNot(table, { kind: 'operator', role: 'partner-success' }, 'staff.read'),
    'As partner success you may not see the staff. Roles that may: administrator.',
  )
  assert.equal(
    whyNot(table, { kind: 'partner', role: 'owner' }, 'staff.read'),
    'Only the operator may see the staff.',
  )
  assert.equal(
    whyNot(table, { kind: 'operator', role: 'administrator' }, 'contract.open'),
    'Only members of a partner may open a contract.',
  )
})

test('a side sees the permissions that somebody of it has', () => {
  assert.deepEqual(
    roleRows(table, 'partner').map(({ name, may }) => [name, may]),
    [
      ['credential.change', { owner: true, developer: true, viewer: false }],
      ['contract.open', { owner: true, developer: false, viewer: false }],
    ],
  )
  assert.deepEqual(
    roleRows(table, 'operator').map(({ name }) => name),
    ['credential.change', 'staff.read'],
  )
})
