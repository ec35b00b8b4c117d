#!/usr/bin/env node
/**
 * Builds the pages: `web/` → `dist/web/client` (hashed files, each also as .br and .gz) and `dist/web/server` (the
 * renderer of the public pages, self-contained).
 *
 * Nothing is built when nothing changed. Two builds at once do not disturb each other: each works in a folder of its
 * own and takes its place by one rename; whoever comes second finds the first one's result.
 *
 * `--force` builds anyway; `--if-needed` is silent when there is nothing to do.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, glob, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const root = path.resolve(import.meta.dirname, '..')
const target = path.join(root, 'dist/web')

/** Compressed script that the first paint of an address may load, in kB (brotli). */
const budgets = [
  {
    name: 'public page',
    entry: 'web/portal/entry-client.ts',
    with: [
      'web/portal/islands/try-it.tsx',
      'web/portal/islands/account-form.tsx',
      'web/portal/islands/sign-in.tsx',
    ],
    limit: 150,
  },
  {
    name: 'partner app, first route',
    entry: 'web/portal/app/main.tsx',
    with: ['web/portal/app/pages/home.tsx'],
    limit: 260,
  },
  {
    name: 'operator console, first route',
    entry: 'web/console/main.tsx',
    with: ['web/console/pages/partners.tsx'],
    limit: 260,
  },
]

const entries = budgets.map((budget) => budget.entry)

/** A fingerprint of everything that the result depends on. */
async function sourceHash() {
  const files = []
  for (const pattern of ['web/**/*', 'src/*/schema.ts', 'package-lock.json', 'bin/build-web.mjs']) {
    for await (const file of glob(pattern, { cwd: root, withFileTypes: true })) {
      if (file.isFile() && !/\.test\.tsx?$/.test(file.name))
        files.push(path.join(file.parentPath, file.name))
    }
  }
  const hash = createHash('sha256')
  for (const file of [...new Set(files)].sort()) {
    hash
      .update(path.relative(root, file))
      .update('\0')
      .update(await readFile(file))
      .update('\0')
  }
  return hash.digest('hex')
}

async function builtHash() {
  try {
    return JSON.parse(await readFile(path.join(target, 'build.json'), 'utf8')).sources
  } catch {
    return undefined
  }
}

async function compile(folder) {
  const { build } = await import('vite')
  const { default: react } = await import('@vitejs/plugin-react')
  const shared = {
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    define: { 'process.env.NODE_ENV': '"production"' },
  }
  await build({
    ...shared,
    plugins: [react()],
    build: {
      outDir: path.join(folder, 'client'),
      emptyOutDir: true,
      manifest: 'manifest.json',
      assetsInlineLimit: 0,
      target: 'es2023',
      // light-dark() stays as it is: the browser decides by color-scheme, without script.
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      rolldownOptions: { input: entries },
    },
  })
  await build({
    ...shared,
    plugins: [react()],
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: path.join(folder, 'server'),
      emptyOutDir: true,
      target: 'node22',
      minify: true,
      reportCompressedSize: false,
      rolldownOptions: { input: 'web/portal/entry-server.tsx' },
    },
  })
}

const compressible = /\.(js|css|svg|json)$/

/** Beside each text file its compressed twins, so that the server only sends bytes. */
async function precompress(folder) {
  const brotli = promisify(brotliCompress)
  const zip = promisify(gzip)
  const sizes = new Map()
  const work = []
  for await (const file of glob('**/*', {
    cwd: path.join(folder, 'client'),
    withFileTypes: true,
  })) {
    if (!file.isFile() || !compressible.test(file.name)) continue
    const full = path.join(file.parentPath, file.name)
    work.push(async () => {
      const bytes = await readFile(full)
      const br = await brotli(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: 9,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      })
      await writeFile(`${full}.br`, br)
      await writeFile(`${full}.gz`, await zip(bytes, { level: 8 }))
      sizes.set(
        path.relative(path.join(folder, 'client'), full).split(path.sep).join('/'),
        br.length,
      )
    })
  }
  for (let at = 0; at < work.length; at += 8)
    await Promise.all(work.slice(at, at + 8).map((task) => task()))
  return sizes
}

/** The scripts that an entry loads before it asks for anything, and those of the named lazy parts. */
function filesOf(manifest, names) {
  const files = new Set()
  const seen = new Set()
  const visit = (name) => {
    const chunk = manifest[name]
    if (chunk === undefined || seen.has(name)) return
    seen.add(name)
    files.add(chunk.file)
    for (const css of chunk.css ?? []) files.add(css)
    for (const next of chunk.imports ?? []) visit(next)
  }
  for (const name of names) visit(name)
  return [...files]
}

async function checkSizes(folder, sizes) {
  const manifest = JSON.parse(await readFile(path.join(folder, 'client/manifest.json'), 'utf8'))
  // What an entry loads later all by itself and is no page of ours is React: it comes with the first island.
  const libraries = (name) =>
    (manifest[name]?.dynamicImports ?? []).filter((part) => !part.startsWith('web/'))
  const report = []
  let over = false
  for (const budget of budgets) {
    const lazy = budget.with.filter((name) => {
      if (manifest[name] === undefined && !existsSync(path.join(root, name)))
        throw new Error(`${name} is not a source file: mend the budgets of bin/build-web.mjs`)
      return manifest[name] !== undefined
    })
    const files = filesOf(manifest, [budget.entry, ...lazy, ...libraries(budget.entry)])
    const sum = (ending) =>
      files.filter((f) => f.endsWith(ending)).reduce((total, f) => total + (sizes.get(f) ?? 0), 0) /
      1_000
    const script = sum('.js')
    over ||= script > budget.limit
    report.push(
      `  ${budget.name.padEnd(30)} ${script.toFixed(1).padStart(6)} kB of ${budget.limit} kB script, ${sum('.css').toFixed(1)} kB style${script > budget.limit ? '  OVER BUDGET' : ''}`,
    )
  }
  return { report, over }
}

/** Takes the place of the earlier result. A rename cannot replace a full folder, so the earlier one steps aside first. */
async function publish(folder) {
  const aside = path.join(root, 'dist', `.web-old-${process.pid}`)
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (existsSync(target)) await rename(target, aside).catch(() => undefined)
    try {
      await rename(folder, target)
      break
    } catch (error) {
      if (attempt === 4) throw error
    }
  }
  await rm(aside, { recursive: true, force: true })
}

/** Files of the build before stay for pages that are open in a browser now. */
async function keepEarlierAssets(folder) {
  const earlier = path.join(target, 'client/assets')
  if (!existsSync(earlier)) return
  const previous = JSON.parse(
    await readFile(path.join(target, 'build.json'), 'utf8').catch(() => '{}'),
  )
  for (const name of previous.assets ?? []) {
    const to = path.join(folder, 'client/assets', name)
    if (!existsSync(to)) await cp(path.join(earlier, name), to).catch(() => undefined)
  }
}

/** A build that was killed leaves its folder behind; none that is alive takes this long. */
async function sweepAbandoned() {
  for await (const entry of glob('.web-*', { cwd: path.join(root, 'dist'), withFileTypes: true })) {
    const folder = path.join(entry.parentPath, entry.name)
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    if (Date.now() - mtimeMs > 600_000) await rm(folder, { recursive: true, force: true })
  }
}

async function main() {
  const started = performance.now()
  const sources = await sourceHash()
  if (!process.argv.includes('--force') && (await builtHash()) === sources) {
    if (!process.argv.includes('--if-needed')) console.log('the web is built already')
    return
  }
  await sweepAbandoned()
  const folder = path.join(root, 'dist', `.web-${process.pid}-${sources.slice(0, 8)}`)
  await mkdir(folder, { recursive: true })
  try {
    await compile(folder)
    const sizes = await precompress(folder)
    const { report, over } = await checkSizes(folder, sizes)
    const assets = [...sizes.keys()]
      .filter((f) => f.startsWith('assets/'))
      .map((f) => f.slice('assets/'.length))
    await keepEarlierAssets(folder)
    await writeFile(path.join(folder, 'build.json'), JSON.stringify({ sources, assets }))
    if (over) throw new Error(`a page is larger than its budget:\n${report.join('\n')}`)
    if ((await builtHash()) === sources && !process.argv.includes('--force')) return
    await publish(folder)
    console.log(
      `the web is built in ${((performance.now() - started) / 1_000).toFixed(1)} s\n${report.join('\n')}`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

await main().catch((error) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
