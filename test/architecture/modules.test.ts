import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { modules } from '../../src/modules.ts'
import { undeclaredImports } from './imports.ts'

const wiring = new Set(['platform', 'compose'])
const folders = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !wiring.has(entry.name))
  .map((entry) => entry.name)

const sources = (): { file: string; text: string }[] => {
  const files = globSync('src/*/**/*.ts', {
    exclude: ['**/*.test.ts', '**/testing.ts', 'src/compose/**'],
  })
  assert.ok(files.length > 50, 'the scan found too few files')
  return files.map((file) => ({ file, text: readFileSync(file, 'utf8') }))
}

test('every module folder is declared, and nothing else', () => {
  assert.deepEqual(Object.keys(modules).sort(), folders.sort())
})

test('a module names only modules declared before it, so no cycle can exist', () => {
  const seen = new Set<string>()
  for (const [name, uses] of Object.entries(modules)) {
    for (const used of uses) assert.ok(seen.has(used), `${name} uses ${used}, declared later`)
    seen.add(name)
  }
})

test('every import between modules is declared', () => {
  assert.deepEqual(sources().flatMap(undeclaredImports), [])
})

test('every permission in the table is used', () => {
  const used = new Set<string>()
  for (const { file, text } of sources()) {
    const from = file.split('/')[1] ?? ''
    for (const [, to = ''] of text.matchAll(/from\s*'#([a-z-]+)'/g)) used.add(`${from} → ${to}`)
  }
  const unused = Object.entries(modules).flatMap(([name, uses]) =>
    uses.filter((other) => !used.has(`${name} → ${other}`)).map((other) => `${name} → ${other}`),
  )
  assert.deepEqual(unused, [])
})

test('a planted import of an undeclared module is found', () => {
  const plant = (file: string, text: string): string[] => undeclaredImports({ file, text })
  assert.deepEqual(plant('src/gateway/bad.ts', `import type { Contract } from '#contracts'`), [
    'src/gateway/bad.ts → #contracts',
  ])
  assert.deepEqual(plant('src/identity/bad.ts', `const x = await import('#gateway')`), [
    'src/identity/bad.ts → #gateway',
  ])
  assert.deepEqual(plant('src/platform/bad.ts', `import { verifyToken } from '#identity'`), [
    'src/platform/bad.ts → #identity',
  ])
  assert.deepEqual(plant('src/gateway/good.ts', `import type { ApiEntry } from '#snapshot'`), [])
})
