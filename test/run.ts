/** `npm test`: every check and every test, and one closing line that counts them. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { freePort } from '#platform/free-port'
import { databaseFolder } from './support/database-folder.ts'
import { lendProduct } from './support/shared-product.ts'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
process.chdir(root)
const bin = path.join(root, 'node_modules', '.bin')
const args = process.argv.slice(2)
const onlyChecks = args.includes('--checks')
const named = args.filter((arg) => !arg.startsWith('--'))
// Hundreds of processes load the same files: what the first compiled, the others read.
process.env.NODE_COMPILE_CACHE ??= path.join(root, 'node_modules', '.cache', 'compile')

/** What lasts longest begins first, so that no single file is waited for at the end. */
const longest = [
  'src/gateway/limits/cluster-limits.test.ts',
  'src/gateway/limits/cluster-faults.test.ts',
  'src/gateway/limits/limit-node.test.ts',
  'src/gateway/limits/limit-store.test.ts',
  'src/gateway/limits/store-stall.test.ts',
  'src/catalog/routes.test.ts',
  'src/catalog/retirement.test.ts',
  'src/portal/pages.test.ts',
  'src/gateway/process.test.ts',
  'test/journeys/gateway.test.ts',
  'test/journeys/start.test.ts',
]

/** What says within which time something holds over many processes: nothing runs beside it. */
const alone = ['test/journeys/withdrawal.test.ts']

function inOrder(files: readonly string[]): string[] {
  const place = (file: string): number =>
    longest.includes(file) ? longest.indexOf(file) : longest.length
  return files.toSorted((a, b) => place(a) - place(b) || a.localeCompare(b))
}

type Count = { passed: number; failed: number }
/** What failed and why, in short: said once more at the end, where everybody looks. */
const failures: string[] = []
const longestReason = 2_000
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const checks: readonly [name: string, command: string, ...args: string[]][] = [
  ['types of the server', 'tsc'],
  ['types of the pages', 'tsc', '-p', 'web'],
  ['types of the browser tests', 'tsc', '-p', 'e2e'],
  ['lint and format', 'biome', 'check', '--error-on-warnings'],
  ['promises', 'oxlint', '--deny-warnings', 'src', 'web', 'test', 'e2e', 'bench'],
  ['unused code and dependencies', 'knip', '--no-progress'],
]

async function runChecks(): Promise<Count> {
  const count = { passed: 0, failed: 0 }
  for (const [name, command, ...rest] of checks) {
    const startedAt = performance.now()
    const { ok, output } = await execute(path.join(bin, command), rest)
    say(`${ok ? '✔' : '✖'} ${name} (${Math.round(performance.now() - startedAt)} ms)`)
    if (!ok) {
      say(output)
      failures.push(`✖ ${name}`)
    }
    count[ok ? 'passed' : 'failed'] += 1
  }
  return count
}

function execute(
  command: string,
  rest: readonly string[],
): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, rest, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error) => resolve({ ok: false, output: String(error) }))
    child.once('close', (code) => resolve({ ok: code === 0, output }))
  })
}

/** A Debian package that tests need: installed where we may, named where we may not. */
function ensurePackage(name: string, program: string, what: string): boolean {
  if (existsSync(program)) return true
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (mayInstall) {
    say(`Installing Debian’s ${name} for ${what} …`)
    const options = {
      stdio: 'ignore' as const,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }
    spawnSync('apt-get', ['update'], options)
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', name], options)
    if (existsSync(program)) return true
  }
  say(`✖ ${what} need Debian’s package ${name}: apt-get install ${name}`)
  return false
}

const ensureBrowser = (): boolean =>
  ensurePackage('chromium', '/usr/bin/chromium', 'the browser tests')
const ensureRedis = (): boolean =>
  ensurePackage('redis-server', '/usr/bin/redis-server', 'the tests of limits in Redis')

/** What a test threw, and where in our files. */
function reasonOf({ cause, message }: Error): string {
  const thrown = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? message)
  const lines = thrown.split('\n').filter((line) => !/^ +at .*\bnode:/.test(line))
  return lines
    .map((line) => `    ${line}`)
    .join('\n')
    .slice(0, longestReason)
}

async function runTests(files: readonly string[], concurrency: number): Promise<Count> {
  const count = { passed: 0, failed: 0 }
  const stream = run({ files: [...files], concurrency, isolation: 'process', timeout: 600_000 })
  const counts = (data: { details: { type?: string | undefined } }): boolean =>
    data.details.type !== 'suite'
  stream.on('test:pass', (data) => {
    if (counts(data)) count.passed += 1
  })
  stream.on('test:fail', (data) => {
    if (counts(data)) count.failed += 1
    const error = data.details.error as Error & { failureType?: string }
    // One that failed only because of what is in it says nothing more.
    if (error.failureType === 'subtestsFailed') return
    const file = path.relative(root, data.file ?? '')
    failures.push(`✖ ${file}:${data.line ?? 0} ${data.name}\n${reasonOf(error)}`)
  })
  const printed = stream.compose(new spec())
  printed.pipe(process.stdout, { end: false })
  await new Promise<void>((resolve, reject) => {
    printed.once('end', resolve)
    printed.once('error', reject)
  })
  return count
}

async function main(): Promise<number> {
  const total: Count = { passed: 0, failed: 0 }
  const add = (count: Count): void => {
    total.passed += count.passed
    total.failed += count.failed
  }
  if (named.length === 0) add(await runChecks())
  if (!onlyChecks) {
    const dataDir = databaseFolder()
    const removed = (): void => rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => {
        // The server and its tests end with this process.
        removed()
        process.kill(process.pid, signal)
      })
    const postgres = await startEmbeddedPostgres({
      dataDir,
      port: await freePort(),
      settings: ['fsync=off', 'synchronous_commit=off', 'max_connections=400'],
    })
    process.env.WAYLEAVE_TEST_POSTGRES = postgres.url
    try {
      const files =
        named.length > 0
          ? named
          : globSync(['src/**/*.test.ts', 'web/**/*.test.ts', 'test/architecture/*.test.ts'])
      const journeys = named.length > 0 ? [] : globSync('test/journeys/*.test.ts')
      const browser = named.length > 0 ? [] : globSync('e2e/*.test.ts')
      // Without it those tests fail one by one; that it is missing has been said.
      ensureRedis()
      // Most wait for a database or a clock half of their time: two files for each core.
      add(await runTests(inOrder(files), 2 * Math.max(2, availableParallelism())))
      // These start the whole product; those that only use one share it.
      const lent = journeys.length > 0 ? await lendProduct() : undefined
      try {
        const timed = journeys.filter((file) => alone.includes(file))
        add(await runTests(inOrder(journeys.filter((file) => !timed.includes(file))), 2))
        add(await runTests(timed, 1))
        if (browser.length > 0) {
          if (ensureBrowser()) add(await runTests(browser.sort(), 1))
          else total.failed += browser.length
        }
      } finally {
        await lent?.end()
      }
    } finally {
      await postgres.stop()
      removed()
    }
  }
  if (failures.length > 0) say(`\nWhat failed:\n${failures.join('\n')}`)
  say(`\n${total.passed} passed, ${total.failed} failed`)
  return total.failed === 0 && total.passed > 0 ? 0 : 1
}

process.exitCode = await main()
