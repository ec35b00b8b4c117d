import type { CheckedFile, Path } from './faults.ts'
import { isRecord, listOf, recordOf, textOf } from './json.ts'
import type { ProductFile } from './product-schema.ts'

export type ApiAddress = { name: string; version: string }

const namePattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const versionPattern = /^(v(0\.(0|[1-9]\d*)|0(?=alpha|rc)|[1-9]\d*)((alpha|rc)\d+)?|vwip)$/

/**
 * Name and version of an API, from `servers[].url` of the form `{apiRoot}/<name>/<version>` (CAMARA Commonalities, API
 * versioning) unless the manifest says them.
 */
export function apiAddress(
  document: CheckedFile,
  manifest: CheckedFile,
  product: ProductFile,
): ApiAddress | undefined {
  const servers = listOf(recordOf(document.value).servers)
  const wanted = product.name === undefined || product.version === undefined
  const found = servers.map((server, index) =>
    addressOf(document, server, ['servers', index, 'url'], wanted),
  )
  if (wanted && servers.length === 0) {
    document.fault(
      [],
      'needs `servers` with a URL of the form {apiRoot}/<name>/<version>, or product.yaml needs `name` and `version`',
      { needsWholeFile: true },
    )
  }
  const [first, ...others] = found
  for (const [index, other] of others.entries()) {
    if (wanted && first !== undefined && other !== undefined && !isSame(first, other))
      document.fault(
        ['servers', index + 1, 'url'],
        `is ${other.name}/${other.version}, and the first server is ${first.name}/${first.version}`,
      )
  }
  const name = product.name ?? first?.name
  const version = product.version ?? first?.version
  if (name === undefined || version === undefined) return undefined
  if (name.length > 64)
    document.fault(['servers', 0, 'url'], 'has a name of more than 64 characters')
  checkVersion(document, manifest, product, version)
  return { name, version }
}

const isSame = (a: ApiAddress, b: ApiAddress): boolean =>
  a.name === b.name && a.version === b.version

function checkVersion(
  document: CheckedFile,
  manifest: CheckedFile,
  product: ProductFile,
  version: string,
): void {
  if (version === 'vwip' && product.state !== 'draft') {
    const [file, path]: [CheckedFile, Path] =
      product.version === undefined ? [document, ['servers', 0, 'url']] : [manifest, ['version']]
    file.fault(path, '`vwip` is work in progress: it can only be a `state: draft`')
  }
  const full = textOf(recordOf(recordOf(document.value).info).version)
  const major = /^v([1-9]\d*)/.exec(version)?.[1]
  if (major !== undefined && full !== '' && full.split('.')[0] !== major)
    document.warn(['info', 'version'], `is ${full}, and the URL says ${version}`)
}

function addressOf(
  file: CheckedFile,
  server: unknown,
  path: Path,
  wanted: boolean,
): ApiAddress | undefined {
  const url = textOf(recordOf(server).url)
  const variables = recordOf(recordOf(server).variables)
  const full = url.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const variable = variables[name]
    return isRecord(variable) ? textOf(variable.default) : name === 'apiRoot' ? '' : whole
  })
  const ending = full.replace(/^[a-z]+:\/\/[^/]*/, '').replace(/\/+$/, '')
  const [name, version] = ending.split('/').slice(-2)
  if (name !== undefined && version !== undefined) {
    if (namePattern.test(name) && versionPattern.test(version)) return { name, version }
  }
  if (wanted && url !== '') {
    file.fault(
      path,
      `must end in /<name>/<version>, a kebab-case name and a version such as v2, v0.5 or v0.1rc1: it is ${full}`,
    )
  }
  return undefined
}
