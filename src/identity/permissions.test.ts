import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { Actor } from '#audit'
import { grantOf, permissionNames, roles } from './permissions.ts'
import { heldBy } from './require-permission.ts'

const partnerRoles = Object.keys(roles.partner) as (keyof typeof roles.partner)[]
const operatorRoles = Object.keys(roles.operator) as (keyof typeof roles.operator)[]
const isRead = (name: string): boolean => name.endsWith('.read')
/** What concerns only the person itself. */
const isOwn = (name: string): boolean => name.startsWith('own-')

const member = (role: keyof typeof roles.partner, via: 'session' | 'token' = 'session'): Actor => ({
  kind: 'partner',
  id: 'mem_1',
  name: 'Ada',
  partnerId: 'prt_1',
  role,
  via,
})
const staff = (role: keyof typeof roles.operator): Actor => ({
  kind: 'operator',
  id: 'stf_1',
  name: 'Grace',
  role,
  via: 'session',
})

test('an auditor sees whatever any of the staff sees, and changes nothing but its own account', () => {
  for (const name of permissionNames) {
    if (isOwn(name)) continue
    const { operator } = grantOf(name)
    assert.equal(operator.includes('auditor'), isRead(name) && operator.length > 0, name)
  }
})

test('an administrator may do what any of the staff may, and an owner what any member may', () => {
  for (const name of permissionNames) {
    const { partner, operator } = grantOf(name)
    if (operator.length > 0) assert.ok(operator.includes('administrator'), name)
    if (partner.length > 0) assert.ok(partner.includes('owner'), name)
    assert.ok(partner.length + operator.length > 0, `nobody may ${name}`)
  }
})

test('a viewer and finance change nothing but their own account and whether they stay', () => {
  for (const role of ['viewer', 'finance'] as const) {
    const changes = heldBy(member(role)).filter((name) => !isRead(name) && !isOwn(name))
    assert.deepEqual(changes, ['member.end'], role)
  }
})

test('finance sees what calls cost and no credential; a developer makes credentials, and neither members nor contracts', () => {
  const finance = heldBy(member('finance'))
  for (const name of ['usage.read', 'contract.read', 'exchange.read'] as const)
    assert.ok(finance.includes(name))
  for (const name of permissionNames)
    if (/credential|sign-in-settings|sandbox/.test(name)) assert.ok(!finance.includes(name), name)
  const developer = heldBy(member('developer'))
  for (const name of ['credential.change', 'production-credential.change'] as const)
    assert.ok(developer.includes(name))
  for (const name of developer)
    assert.ok(
      !/^(member|contract|agreement|sso)\..*(manage|open|end$|accept|change)/.test(name) ||
        name === 'member.end',
      name,
    )
})

test('whoever may do a thing in production may do it in the sandbox, and proves to be there in production', () => {
  for (const name of permissionNames) {
    const plain = permissionNames.find((one) => `production-${one}` === name)
    if (plain === undefined) continue
    const inProduction = grantOf(name)
    const inSandbox = grantOf(plain)
    assert.equal(inProduction.stepUp, true, name)
    assert.equal(inSandbox.active, inProduction.active, name)
    for (const role of inProduction.partner) assert.ok(inSandbox.partner.includes(role), name)
    for (const role of inProduction.operator) assert.ok(inSandbox.operator.includes(role), name)
  }
})

test('secrets of production, prices, erasure and roles ask for a proof', () => {
  const asking = permissionNames.filter((name) => grantOf(name).stepUp === true)
  for (const name of [
    'production-credential.change',
    'own-token.change',
    'api.publish',
    'contract.change-plan',
    'erasure.manage',
    'member.manage',
    'staff.manage',
    'sso.change',
  ] as const)
    assert.ok(asking.includes(name), name)
  for (const name of asking) assert.ok(!isRead(name), `${name} asks for a proof to read`)
})

test('what a member may do is nothing of the operator’s, and the other way round', () => {
  for (const role of partnerRoles)
    for (const name of heldBy(member(role)))
      assert.ok(grantOf(name).partner.includes(role), `${role} ${name}`)
  for (const role of operatorRoles)
    for (const name of heldBy(staff(role)))
      assert.ok(grantOf(name).operator.includes(role), `${role} ${name}`)
})

test('an API token has nothing that is for a person', () => {
  for (const name of heldBy(member('owner', 'token'))) assert.ok(!isOwn(name), name)
  assert.ok(heldBy(member('owner', 'token')).includes('credential.change'))
})

/** The table of one side, as the guide has it. */
function tableOf(kind: 'partner' | 'operator'): string {
  const names = Object.keys(roles[kind])
  const cells = permissionNames.flatMap((name) => {
    const grant = grantOf(name)
    const given: readonly string[] = grant[kind]
    if (given.length === 0) return []
    const notes = `${grant.stepUp === true ? '¹' : ''}${grant.person === true ? '²' : ''}`
    const marks = names.map((role) => (given.includes(role) ? 'yes' : ''))
    return [[`${grant.title} ${notes}`.trim(), `\`${name}\``, ...marks]]
  })
  const head = ['may', 'permission', ...names]
  const lines = [head, head.map(() => '---'), ...cells]
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
}

test('docs/guides/roles.md has the tables as they are', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/guides/roles.md'), 'utf8')
  for (const kind of ['partner', 'operator'] as const)
    assert.ok(page.includes(tableOf(kind)), `the table should be:\n${tableOf(kind)}`)
})

test('every permission is asked for somewhere', () => {
  const src = path.join(import.meta.dirname, '..')
  const texts = globSync('*/*.ts', { cwd: src, exclude: ['**/*.test.ts', '**/*permissions.ts'] })
    .map((file) => readFileSync(path.join(src, file), 'utf8'))
    .join('\n')
  for (const name of permissionNames) assert.ok(texts.includes(`'${name}'`), name)
})
