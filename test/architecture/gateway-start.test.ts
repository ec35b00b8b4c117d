import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'

const root = path.join(import.meta.dirname, '..', '..')

/** The packages that are loaded before a gateway begins to run. */
function packagesOfGateway(): string[] {
  const script = `
    import { registerHooks } from 'node:module'
    const packages = new Set()
    registerHooks({
      load(url, context, next) {
        const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]
        if (name !== undefined) packages.add(name)
        return next(url, context)
      },
    })
    await import('./src/compose/run-gateway.ts')
    console.log(JSON.stringify([...packages]))`
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  })
  return JSON.parse(text) as string[]
}

test('what a role compiles at its start is there for the next one, also when it was killed', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-compiled-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const script = `
    import { flushCompileCache } from 'node:module'
    import { keepCompiledCode } from '#platform/compiled-code'
    keepCompiledCode(${JSON.stringify(folder)})
    await import('./src/journal/index.ts')
    flushCompileCache()
    process.kill(process.pid, 'SIGKILL')`
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    // The tests themselves may keep compiled code elsewhere, and a process has one such place.
    env: { ...process.env, NODE_COMPILE_CACHE: undefined },
  })
  assert.equal(signal, 'SIGKILL')
  const files = readdirSync(folder, { recursive: true })
  assert.ok(files.length > 10, `${files.length} files`)
})

test('a gateway loads nothing at its start that it may never need', () => {
  const loaded = packagesOfGateway()
  assert.ok(loaded.includes('pg') && loaded.includes('ajv'), 'what it needs is seen')
  const unneeded = [
    ...['typebox', 'ioredis', 'fastify', 'oidc-provider', 'pg-boss', 'nodemailer'],
    ...['@opentelemetry/sdk-trace', '@opentelemetry/otlp-transformer', '@aws-sdk/client-kms'],
  ]
  assert.deepEqual(
    loaded.filter((name) => unneeded.includes(name)),
    [],
  )
})
