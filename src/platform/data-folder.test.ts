import assert from 'node:assert/strict'
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { openDataFolder } from './data-folder.ts'

function temporary(t: { after: (fn: () => void) => void }): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-folder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a data folder is made, and known by its real path', (t) => {
  const folder = temporary(t)
  const made = path.join(folder, 'a', 'data')
  assert.equal(openDataFolder(made), made)
  symlinkSync(made, path.join(folder, 'link'))
  assert.equal(openDataFolder(path.join(folder, 'link')), made)
})

test('a data folder that cannot be made is told with the setting that moves it', (t) => {
  const file = path.join(temporary(t), 'file')
  writeFileSync(file, '')
  assert.throws(() => openDataFolder(path.join(file, 'data')), /WAYLEAVE_DATA_DIR/)
})

test('data of another account is refused with both ways out', {
  skip: process.getuid?.() === 0 ? false : 'only root can give files away',
}, (t) => {
  const folder = temporary(t)
  mkdirSync(path.join(folder, 'secrets'))
  assert.equal(openDataFolder(folder), folder)
  chownSync(path.join(folder, 'secrets'), 54_321, 54_321)
  assert.throws(() => openDataFolder(folder), /belongs to 54321, .*chown -R/)
})
