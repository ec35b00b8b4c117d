import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { loggableFields, scrubbed } from './loggable.ts'

const log = path.join(import.meta.dirname, 'log.ts')

/** What a process writes that runs this. */
function written(script: string): Record<string, unknown>[] {
  const code = `import { createLog } from ${JSON.stringify(log)}
    const log = createLog({ name: 'test', level: 'info' })
    ${script}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code])
  assert.equal(stderr.toString(), '')
  return stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('a field that is not listed is left out, and its name is told', () => {
  const [line] = written(`log.info({ api: 'a/v1', phoneNumber: '+99012345678', body: {} }, 'said')`)
  assert.equal(line?.api, 'a/v1')
  assert.equal(line?.msg, 'said')
  assert.deepEqual(line?.unlisted, ['phoneNumber', 'body'])
  assert.ok(!JSON.stringify(line).includes('99012345678'))
})

test('an error is written without the values that it repeats, with where it was thrown', () => {
  const [line] = written(`
    const error = Object.assign(new Error('no +99012345678 with Bearer eyJhbGciOi.abc.def here'), {
      code: '23505', detail: 'Key (phone)=(+99012345678) exists', query: 'wl_sbx_sk_abcdefgh12345678',
      cause: new SyntaxError('Unexpected token in "99012345678" postgres://u:secret@h/db'),
    })
    log.error({ err: error, reason: 'it said 4915112345678' }, 'failed')`)
  const err = line?.err as Record<string, unknown>
  assert.equal(err.type, 'Error')
  assert.equal(err.code, '23505')
  assert.match(String(err.stack), /^at /)
  const text = JSON.stringify(line)
  for (const secret of ['99012345678', 'eyJ', 'abc.def', 'sk_abc', 'u:secret', '4915112345678'])
    assert.ok(!text.includes(secret), secret)
  assert.equal((err.cause as Record<string, unknown>).type, 'SyntaxError')
})

test('places in files, ports and statuses stay readable', () => {
  for (const text of ['connect ECONNREFUSED 127.0.0.1:5432', 'at x (/a/b.ts:120:33)', 'status 503'])
    assert.equal(scrubbed(text), text)
})

test('every field that the code names in a log line is listed', () => {
  const root = path.join(import.meta.dirname, '..')
  const unlisted: string[] = []
  for (const file of globSync('**/*.ts', { cwd: root })) {
    if (/test/.test(file)) continue
    const source = readFileSync(path.join(root, file), 'utf8')
    for (const [, fields = ''] of source.matchAll(
      /\blog\??\.(?:debug|info|warn|error)\(\s*\{([^{}]*)\}/g,
    ))
      for (const part of fields.split(',')) {
        const name = /^\s*(\w+)\s*(?::|$)/.exec(part)?.[1]
        if (name !== undefined && !loggableFields.has(name)) unlisted.push(`${file}: ${name}`)
      }
  }
  assert.deepEqual(unlisted, [])
})
