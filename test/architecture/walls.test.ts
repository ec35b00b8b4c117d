import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'

const root = path.join(import.meta.dirname, '..', '..')
const biome = path.join(root, 'node_modules', '.bin', 'biome')
const tsc = path.join(root, 'node_modules', '.bin', 'tsc')

/** A tree of two modules, the platform and a page, that keeps every rule. */
const clean: Record<string, string> = {
  'src/platform/app-error.ts':
    '/** @public */\nexport const appError = 1\nexport const untagged = 2\n',
  'src/identity/token.ts':
    'export async function revoke(): Promise<void> {}\nexport type Token = { id: string }\n',
  'src/identity/index.ts': "export { revoke, type Token } from './token.ts'\n",
  'src/identity/schema.ts': 'export const SignIn = {}\n',
  'src/gateway/admit.ts':
    "import { revoke, type Token } from '#identity'\nimport { appError } from '#platform/app-error'\n\nexport async function admit(token: Token): Promise<string> {\n  await revoke()\n  return token.id + String(appError)\n}\n",
  'src/gateway/index.ts': "export { admit } from './admit.ts'\n",
  'web/portal/form.ts': "import { SignIn } from '#identity/schema'\n\nexport const form = SignIn\n",
}

/** Each fault breaks one rule; the rule must name the file. */
const faults: readonly [what: string, file: string, text: string, rule: string][] = [
  [
    'a deep import of another module',
    'src/gateway/bad.ts',
    "import { revoke } from '../identity/token.ts'\nexport const z = revoke\n",
    'noPrivateImports',
  ],
  [
    'a relative import of another face',
    'src/gateway/bad.ts',
    "import { revoke } from '../identity/index.ts'\nexport const z = revoke\n",
    'noRestrictedImports',
  ],
  [
    'an import cycle of types only',
    'src/identity/bad.ts',
    "import type { A } from './pair.ts'\nexport type B = A | null\n",
    'noImportCycles',
  ],
  [
    'an untagged symbol of the platform',
    'src/gateway/bad.ts',
    "import { untagged } from '#platform/app-error'\nexport const z = untagged\n",
    'noPrivateImports',
  ],
  [
    'a promise that nobody waits for',
    'src/gateway/bad.ts',
    "import { revoke } from '#identity'\nexport function z(): void {\n  revoke()\n}\n",
    'noFloatingPromises',
  ],
  [
    'a page that imports server code',
    'web/portal/bad.ts',
    "import { admit } from '#gateway'\nexport const z = admit\n",
    'noRestrictedImports',
  ],
  [
    'the environment read outside the configuration',
    'src/gateway/bad.ts',
    'export const z = process.env.HOME\n',
    'noProcessEnv',
  ],
  [
    'an import without its extension',
    'src/gateway/bad.ts',
    "import { admit } from './admit'\nexport const z = admit\n",
    'useImportExtensions',
  ],
  [
    'a value of type any',
    'src/gateway/bad.ts',
    'export const z = (x: any): string => String(x)\n',
    'noExplicitAny',
  ],
  [
    'a non-null assertion',
    'src/gateway/bad.ts',
    'export const z = (x: string | null): string => x!\n',
    'noNonNullAssertion',
  ],
]

function plantTree(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-walls-'))
  for (const name of ['biome.json', 'package.json', 'tsconfig.json'])
    cpSync(path.join(root, name), path.join(folder, name))
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  for (const [file, text] of Object.entries(clean)) write(folder, file, text)
  return folder
}

function write(folder: string, file: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  writeFileSync(path.join(folder, file), text)
}

function lint(folder: string): string {
  const shown = spawnSync(
    biome,
    ['lint', '--max-diagnostics=none', '--reporter=github', 'src', 'web'],
    { cwd: folder, encoding: 'utf8' },
  )
  return `${shown.stdout}${shown.stderr}`
}

test('a tree that keeps the rules passes', (t) => {
  const folder = plantTree()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  assert.doesNotMatch(lint(folder), /::error/)
})

for (const [what, file, text, rule] of faults) {
  test(`${what} is refused by ${rule}`, (t) => {
    const folder = plantTree()
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    write(
      folder,
      'src/identity/pair.ts',
      "import type { B } from './bad.ts'\nexport type A = B[]\n",
    )
    if (rule !== 'noImportCycles') rmSync(path.join(folder, 'src/identity/pair.ts'))
    write(folder, file, text)
    const found = lint(folder)
      .split('\n')
      .filter((line) => line.includes(file) && line.includes(rule))
    assert.notEqual(found.length, 0, lint(folder))
  })
}

for (const [what, text] of [
  ['an enum', 'export enum Colour {\n  Red,\n}\n'],
  ['a parameter property', 'export class Point {\n  constructor(readonly x: number) {}\n}\n'],
] as const) {
  test(`${what}, which type stripping cannot run, is refused by the type check`, (t) => {
    const folder = plantTree()
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    write(folder, 'src/gateway/bad.ts', text)
    const shown = spawnSync(tsc, ['--project', folder], { cwd: folder, encoding: 'utf8' })
    assert.match(shown.stdout, /bad\.ts.*TS1294/)
  })
}
