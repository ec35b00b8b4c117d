import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'

for (const role of ['run-gateway', 'run-authorization', 'run-control'])
  test(`without a collector ${role} loads no exporter`, () => {
    const script = `
      import { Module } from 'node:module'
      await import(${JSON.stringify(path.join(import.meta.dirname, `${role}.ts`))})
      console.log(Object.keys(Module._cache).filter((file) => /otlp|sdk-|resources/.test(file.split('@opentelemetry')[1] ?? '')).length)`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script])
    assert.equal(output.toString().trim(), '0')
  })
