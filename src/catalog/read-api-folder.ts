import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ApiFiles } from './check-api.ts'

/** @public */
export type ApiFolder = { ok: true; files: ApiFiles } | { ok: false; message: string }

const productNames = ['product.yaml', 'product.yml', 'product.json']
const longest = 2_000_000

/**
 * Finds the two files of an API: in a folder, one OpenAPI document and its `product.yaml`; or a document, with
 * `product.yaml` beside it. The names of the files in faults are relative to the folder.
 * @public
 */
export async function readApiFolder(where: string): Promise<ApiFolder> {
  try {
    const found = await stat(where)
    const folder = found.isDirectory() ? where : path.dirname(where)
    const names = await readdir(folder)
    const productName = productNames.find((name) => names.includes(name))
    const documentName = found.isDirectory()
      ? await findDocument(folder, names)
      : path.basename(where)
    if (productName === documentName)
      return refuse(`${where} is the product file: name the OpenAPI document or the folder`)
    if (productName === undefined) {
      return refuse(
        `there is no product.yaml in ${folder}: it needs at least \`domain\` and \`owner\``,
      )
    }
    return {
      ok: true,
      files: {
        documentName,
        productName,
        document: await readText(path.join(folder, documentName)),
        product: await readText(path.join(folder, productName)),
      },
    }
  } catch (error) {
    if (error instanceof NoSuchFile) return refuse(error.message)
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return refuse(`there is no ${where}`)
    if (code === 'EACCES' || code === 'EPERM')
      return refuse(`${where} cannot be read: no permission`)
    throw error
  }
}

const refuse = (message: string): ApiFolder => ({ ok: false, message })

class NoSuchFile extends Error {}

async function findDocument(folder: string, names: readonly string[]): Promise<string> {
  const candidates = names.filter(
    (name) =>
      /\.(ya?ml|json)$/i.test(name) && !productNames.includes(name) && !name.startsWith('.'),
  )
  const [only, ...others] = candidates
  if (only === undefined)
    throw new NoSuchFile(`there is no OpenAPI document (*.yaml, *.yml or *.json) in ${folder}`)
  if (others.length === 0) return only
  const documents: string[] = []
  for (const name of candidates) {
    const text = await readText(path.join(folder, name)).catch(() => '')
    if (/^\s*["']?(openapi|swagger)["']?\s*:/m.test(text.slice(0, 20_000))) documents.push(name)
  }
  const [document, ...more] = documents
  if (document !== undefined && more.length === 0) return document
  const list = (documents.length > 0 ? documents : candidates).join(', ')
  throw new NoSuchFile(
    `${folder} holds more than one document (${list}): name the file, or keep one API in a folder`,
  )
}

async function readText(file: string): Promise<string> {
  const { size } = await stat(file)
  if (size > longest * 4)
    throw new NoSuchFile(`${file} has ${size} bytes: at most ${longest} characters are read`)
  const bytes = await readFile(file)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch (cause) {
    throw new NoSuchFile(`${file} is not UTF-8 text`, { cause })
  }
}
