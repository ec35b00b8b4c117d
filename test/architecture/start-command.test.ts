import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'

const root = path.join(import.meta.dirname, '..', '..')
const read = (file: string): unknown => JSON.parse(readFileSync(path.join(root, file), 'utf8'))

test('npm start and npm test install by themselves: where scripts are ignored, npm runs no pre-scripts', () => {
  const { scripts } = read('package.json') as { scripts: Record<string, string> }
  for (const name of ['start', 'test']) {
    assert.match(scripts[name] ?? '', /^exec sh bin\/run\.sh /)
    assert.equal(scripts[`pre${name}`], undefined)
  }
})

test('package.json and package-lock.json ask for the same', () => {
  type Asked = Record<'dependencies' | 'devDependencies' | 'optionalDependencies', unknown>
  const manifest = read('package.json') as Asked
  const locked = (read('package-lock.json') as { packages: Record<string, Asked> }).packages['']
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const)
    assert.deepEqual(locked?.[kind], manifest[kind])
})

test('an install that fails ends the start with its exit code and a sentence, and holds no lock', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-bootstrap-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(path.join(root, 'bin'), path.join(folder, 'bin'), { recursive: true })
  cpSync(path.join(root, 'package-lock.json'), path.join(folder, 'package-lock.json'))
  cpSync(path.join(root, 'package.json'), path.join(folder, 'package.json'))
  // An npm that can reach nothing, on a lock that a killed install left.
  mkdirSync(path.join(folder, 'tools'))
  symlinkSync('/bin/false', path.join(folder, 'tools', 'npm'))
  symlinkSync(process.execPath, path.join(folder, 'tools', 'node'))
  cpSync(path.join(root, 'LICENSE'), path.join(folder, '.installing', 'pid'))
  const done = spawnSync('/bin/sh', ['bin/run.sh', 'src/main.ts', 'all'], {
    cwd: folder,
    env: { PATH: `${path.join(folder, 'tools')}:/usr/bin:/bin` },
    encoding: 'utf8',
  })
  assert.equal(done.status, 1, done.stderr)
  assert.match(done.stderr, /could not be installed/)
  assert.throws(() => readFileSync(path.join(folder, '.installing', 'pid')), /ENOENT/)
})
