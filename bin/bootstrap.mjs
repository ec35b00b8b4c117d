// Runs before `npm start` and `npm test` on whatever Node is there (>= 20): installs what is missing, builds the web.
// No dependencies, no TypeScript: it runs before either exists.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const modules = path.join(root, 'node_modules')
const stampFile = path.join(modules, '.wayleave-installed')
const lockFolder = path.join(root, '.installing')

const fail = (message) => {
  process.stderr.write(`wayleave: ${message}\n`)
  process.exit(1)
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(
    `Node ${process.versions.node} is too old: install Node 20 or newer (it only has to bring the right one)`,
  )
}

const stamp = () =>
  createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .update(`${process.platform} ${process.arch}`)
    .digest('hex')

const pinnedNode = path.join(modules, '.bin', 'node')
const installed = () =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp() && existsSync(pinnedNode)

/** One install at a time in this folder; a lock whose owner is gone is taken over. */
function withLock(work) {
  const ownerFile = path.join(lockFolder, 'pid')
  for (let waited = 0; ; waited += 200) {
    try {
      mkdirSync(lockFolder)
      writeFileSync(ownerFile, String(process.pid))
      break
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`cannot write to ${root}: ${error.message}`)
      if (ownerIsGone(ownerFile)) rmSync(lockFolder, { recursive: true, force: true })
      else if (waited > 600_000)
        fail(`another install holds ${lockFolder} for ten minutes: remove it if none runs`)
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
  }
  try {
    work()
  } finally {
    rmSync(lockFolder, { recursive: true, force: true })
  }
}

function ownerIsGone(ownerFile) {
  let pid
  try {
    pid = Number(readFileSync(ownerFile, 'utf8'))
  } catch {
    // Its owner writes the file right after it made the folder; one that never did is gone.
    return !existsSync(lockFolder) || Date.now() - statSync(lockFolder).mtimeMs > 5_000
  }
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function install() {
  if (installed()) return
  process.stdout.write(
    'Installing the locked dependencies, Node 26 and PostgreSQL 18 among them (once) …\n',
  )
  const npm = process.env.npm_execpath
  const args = [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--progress=false',
  ]
  const [command, all] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args]
  const done = spawnSync(command, all, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  if (done.status !== 0) {
    fail(
      'the dependencies could not be installed: npm needs its registry once; see its message above',
    )
  }
  if (!existsSync(pinnedNode)) linkOwnNode()
  writeFileSync(stampFile, stamp())
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

withLock(() => {
  install()
  const built = spawnSync(pinnedNode, [path.join(root, 'bin', 'build-web.mjs'), '--quiet'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (built.status !== 0) fail('the pages could not be built; see the message above')
})
