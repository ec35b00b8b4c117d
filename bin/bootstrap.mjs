// Runs before `npm start` and `npm test` on whatever Node is there (>= 20): installs what is missing, builds the web.
// No dependencies, no TypeScript: it runs before either exists.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { constants as system, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const modules = path.join(root, 'node_modules')
const stampFile = path.join(modules, '.wayleave-installed')
const lockFolder = path.join(root, '.installing')
const pinnedNode = path.join(modules, '.bin', 'node')

/** What is undone when this process ends before it is through. */
const undo = []
let running
let endingBy

function cleanUp() {
  for (const step of undo.splice(0).reverse()) step()
}

function end(code) {
  cleanUp()
  process.exit(code)
}

function fail(message) {
  process.stderr.write(`wayleave: ${message}\n`)
  end(1)
}

// A signal may reach only this process (npm passes it on) or the whole group (Ctrl-C): the child ends in both cases.
function onSignal(signal) {
  endingBy = signal
  if (running === undefined) end(128 + system.signals[signal])
  running.kill('SIGTERM')
  setTimeout(() => running?.kill('SIGKILL'), 1_000).unref()
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => onSignal(signal))
// npm was killed, or its shell was: nobody waits for the result.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent && endingBy === undefined) onSignal('SIGTERM')
}, 500).unref()

/** Runs a program to its end; a signal that came meanwhile ends this process, too. */
async function execute(command, args, stdio, onStart) {
  const child = spawn(command, args, { cwd: root, stdio })
  running = child
  child.stdout?.resume()
  // Told only when it fails: npm draws on a terminal even when it is asked to be quiet.
  let complaint = ''
  child.stderr?.on('data', (chunk) => {
    complaint += chunk
  })
  if (child.pid !== undefined) onStart?.(child.pid)
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`wayleave: ${command} cannot be run: ${error.message}\n`)
      resolve(1)
    })
    child.once('close', (status) => resolve(status ?? 1))
  })
  running = undefined
  if (code !== 0 && endingBy === undefined) process.stderr.write(complaint)
  if (endingBy !== undefined) end(128 + system.signals[endingBy])
  return code
}

const stamp = () =>
  createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .update(`${process.platform} ${process.arch}`)
    .digest('hex')

const installed = () =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp() && existsSync(pinnedNode)

/** One install at a time in this folder; a lock whose owner was killed is taken over. */
async function withLock(work) {
  const ownerFile = path.join(lockFolder, 'pid')
  for (let waited = 0; ; waited += 200) {
    try {
      mkdirSync(lockFolder)
      undo.push(() => rmSync(lockFolder, { recursive: true, force: true }))
      writeFileSync(ownerFile, String(process.pid))
      break
    } catch (error) {
      if (error.code !== 'EEXIST') {
        fail(`the dependencies must be installed, and ${root} cannot be written: ${error.message}`)
      }
      if (ownerIsGone(ownerFile)) removeStaleLock()
      else if (waited === 0) process.stdout.write('Another start installs here: waiting for it …\n')
      else if (waited > 600_000)
        fail(`another install holds ${lockFolder} for ten minutes: remove it if none runs`)
      await delay(200)
    }
  }
  await work((pid) => writeFileSync(path.join(lockFolder, 'npm'), String(pid)))
  cleanUp()
}

function ownerIsGone(ownerFile) {
  try {
    return !commandOf(Number(readFileSync(ownerFile, 'utf8'))).includes('bootstrap.mjs')
  } catch {
    // Its owner writes the file right after it made the folder; one that never did is gone.
    return !existsSync(lockFolder) || Date.now() - statSync(lockFolder).mtimeMs > 5_000
  }
}

/** An npm that outlived a killed owner would write into the folder together with the next one. */
function removeStaleLock() {
  try {
    const npm = Number(readFileSync(path.join(lockFolder, 'npm'), 'utf8'))
    if (/\bnpm\b/.test(commandOf(npm))) process.kill(npm, 'SIGKILL')
  } catch {
    // There was none, or it has ended.
  }
  rmSync(lockFolder, { recursive: true, force: true })
}

/** The command line of a living process; empty when there is none of this number. */
function commandOf(pid) {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    } catch {
      return ''
    }
  }
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? ''
}

async function install(onStart) {
  if (installed()) return
  process.stdout.write(
    'Installing the locked dependencies, Node 26 and PostgreSQL 18 among them (once) …\n',
  )
  // An install that was killed leaves packages that look whole; one that ended well is only brought up to date.
  if (!existsSync(stampFile)) rmSync(modules, { recursive: true, force: true })
  rmSync(stampFile, { force: true })
  const npm = process.env.npm_execpath
  // Not `npm ci`: it refuses a lockfile without the packages of platforms that the registry did not show. Settings of
  // this machine that would leave out what the start needs are answered one by one.
  const args = [
    ...['install', '--no-save', '--package-lock', '--include=dev', '--include=optional'],
    ...['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--progress=false'],
    ...ownCache(),
  ]
  const [command, all] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args]
  if ((await execute(command, all, ['ignore', 'pipe', 'pipe'], onStart)) !== 0) {
    fail(
      'the dependencies could not be installed: npm needs its registry once; see its message above',
    )
  }
  requireLocked()
  if (!existsSync(pinnedNode)) linkOwnNode()
  if (spawnSync(pinnedNode, ['--version'], { stdio: 'ignore' }).status !== 0) {
    fail(`the packaged Node 26 does not run on this system (it needs glibc): install Node 26`)
  }
  writeFileSync(stampFile, stamp())
}

/** What npm installed is what the lockfile names, with the same contents. */
function requireLocked() {
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages
  const locked = read(path.join(root, 'package-lock.json'))
  const other = Object.entries(read(path.join(modules, '.package-lock.json'))).filter(
    ([place, { version, integrity, optional }]) => {
      const wanted = locked[place]
      // A binary of another platform than the lockfile was made on: the package that names it pins its version.
      if (wanted === undefined) return optional !== true
      return wanted.version !== version || wanted.integrity !== integrity
    },
  )
  if (other.length > 0) {
    fail(
      `package.json and package-lock.json do not belong together: ${other.map(([place]) => place).join(', ')}`,
    )
  }
}

/** npm's cache may belong to another account: then this install has one of its own, for once. */
function ownCache() {
  let folder = process.env.npm_config_cache
  if (folder === undefined) return []
  while (!existsSync(folder) && path.dirname(folder) !== folder) folder = path.dirname(folder)
  try {
    for (const part of ['', '_cacache', '_cacache/tmp']) {
      const below = path.join(folder, part)
      if (existsSync(below)) accessSync(below, constants.W_OK)
    }
    return []
  } catch {
    const own = mkdtempSync(path.join(tmpdir(), 'wayleave-npm-'))
    undo.push(() => rmSync(own, { recursive: true, force: true }))
    return ['--cache', own]
  }
}

/** Where the pinned Node has no package for this platform, the running one serves if it is new enough. */
function linkOwnNode() {
  if (Number(process.versions.node.split('.')[0]) < 26) {
    fail(
      `there is no packaged Node 26 for ${process.platform} ${process.arch}, and this is ${process.versions.node}: install Node 26`,
    )
  }
  mkdirSync(path.dirname(pinnedNode), { recursive: true })
  symlinkSync(process.execPath, pinnedNode)
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(
    `Node ${process.versions.node} is too old: install Node 20 or newer (it only has to bring the right one)`,
  )
}
if (!installed()) await withLock(install)
const build = [path.join(root, 'bin', 'build-web.mjs'), '--if-needed']
if ((await execute(pinnedNode, build, ['ignore', 'pipe', 'pipe'])) !== 0)
  fail('the pages could not be built; see the message above')
end(0)
