import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { readApiFolder } from './read-api-folder.ts'

function folderWith(t: TestContext, files: Record<string, string | Buffer>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-api-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files))
    writeFileSync(path.join(folder, name), content)
  return folder
}

const product = 'domain: Identity'
const document = 'openapi: 3.0.3'

test('reads the one document of a folder and its product.yaml', async (t) => {
  const folder = folderWith(t, { 'sim.yaml': document, 'product.yaml': product, 'notes.md': '' })
  assert.deepEqual(await readApiFolder(folder), {
    ok: true,
    files: { documentName: 'sim.yaml', productName: 'product.yaml', document, product },
  })
})

test('reads a document by name, with product.yaml beside it', async (t) => {
  const files = { 'a.yaml': document, 'b.json': '{"openapi": "3.0.3"}', 'product.yml': product }
  const read = await readApiFolder(path.join(folderWith(t, files), 'b.json'))
  assert.ok(read.ok)
  assert.equal(read.files.documentName, 'b.json')
  assert.equal(read.files.productName, 'product.yml')
})

test('passes over files that are no OpenAPI documents', async (t) => {
  const files = { 'a.yaml': document, 'package.json': '{}', 'product.yaml': product }
  const read = await readApiFolder(folderWith(t, files))
  assert.ok(read.ok && read.files.documentName === 'a.yaml')
})

for (const [title, files, message] of [
  ['no product.yaml', { 'a.yaml': document }, /there is no product\.yaml in/],
  ['no document', { 'product.yaml': product }, /there is no OpenAPI document/],
  [
    'two documents',
    { 'a.yaml': document, 'b.yaml': document, 'product.yaml': product },
    /more than one document \(a\.yaml, b\.yaml\)/,
  ],
  [
    'a document that is no text',
    { 'a.yaml': Buffer.from([0xff, 0xfe, 0x00]), 'product.yaml': product },
    /not UTF-8/,
  ],
] as [string, Record<string, string | Buffer>, RegExp][]) {
  test(`says what is wrong with a folder that has ${title}`, async (t) => {
    const read = await readApiFolder(folderWith(t, files))
    assert.ok(!read.ok)
    assert.match(read.message, message)
  })
}

test('says that a place does not exist', async () => {
  const read = await readApiFolder('/no/such/place')
  assert.deepEqual(read, { ok: false, message: 'there is no /no/such/place' })
})
