import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Renderer } from './schema.ts'

type Chunk = {
  file: string
  css?: string[]
  imports?: string[]
  dynamicImports?: string[]
}

/** One built file with its compressed twins, ready to be sent. */
export type Asset = { type: string; raw: Buffer; br: Buffer | undefined; gzip: Buffer | undefined }

/** What `bin/build-web.mjs` made: the renderer of the public pages and the files for the browser. */
export type Web = {
  renderer: Renderer
  assets: ReadonlyMap<string, Asset>
  /** by source file: what its page has to load */
  entry(source: string, ahead?: readonly string[]): EntryFiles
}

export type EntryFiles = {
  scripts: string[]
  preloads: string[]
  styles: string[]
  fonts: string[]
}

/** @returns undefined when the web has not been built */
export async function loadWeb(root: string): Promise<Web | undefined> {
  const folder = path.join(root, 'dist/web')
  const text = await readFile(path.join(folder, 'client/manifest.json'), 'utf8').catch(
    () => undefined,
  )
  if (text === undefined) return undefined
  const manifest = JSON.parse(text) as Readonly<Record<string, Chunk>>
  const built = (await import(pathToFileURL(path.join(folder, 'server/entry-server.js')).href)) as {
    renderer: Renderer
  }
  return {
    renderer: built.renderer,
    assets: await loadAssets(path.join(folder, 'client/assets')),
    entry: (source, ahead = []) => filesOf(manifest, source, ahead),
  }
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
}

/** All of them are about 2 MB: held in memory, none costs a file access, and no path can lead elsewhere. */
async function loadAssets(folder: string): Promise<Map<string, Asset>> {
  const assets = new Map<string, Asset>()
  const names = await readdir(folder)
  const twin = (name: string): Promise<Buffer> | undefined =>
    names.includes(name) ? readFile(path.join(folder, name)) : undefined
  for (const name of names) {
    const type = types[path.extname(name)]
    if (type === undefined) continue
    assets.set(name, {
      type,
      raw: await readFile(path.join(folder, name)),
      br: await twin(`${name}.br`),
      gzip: await twin(`${name}.gz`),
    })
  }
  return assets
}

function filesOf(
  manifest: Readonly<Record<string, Chunk>>,
  source: string,
  ahead: readonly string[],
): EntryFiles {
  const entry = manifest[source]
  if (entry === undefined) throw new Error(`the web build has no ${source}: run npm run build`)
  const loaded = new Set<string>()
  const styles = new Set<string>()
  const visit = (name: string): void => {
    const chunk = manifest[name]
    if (chunk === undefined || loaded.has(chunk.file)) return
    loaded.add(chunk.file)
    for (const css of chunk.css ?? []) styles.add(css)
    for (const next of chunk.imports ?? []) visit(next)
  }
  visit(source)
  for (const name of ahead) visit(name)
  // What the entry loads later and is no part of a page is the library that brings the parts to life.
  const libraries = (entry.dynamicImports ?? []).filter((name) => !name.startsWith('web/'))
  if (ahead.length > 0) for (const name of libraries) visit(name)
  const address = (file: string): string => `/${file}`
  return {
    scripts: [address(entry.file)],
    preloads: [...loaded].filter((file) => file !== entry.file).map(address),
    styles: [...styles].map(address),
    fonts: Object.values(manifest)
      .map((chunk) => chunk.file)
      .filter((file) => /\/inter-latin-wght-normal-[^/]*\.woff2$/.test(file))
      .map(address),
  }
}
