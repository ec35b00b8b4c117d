import { type CheckedFile, type Path, pointerOf } from './faults.ts'
import { isRecord, recordOf, valueAt } from './json.ts'
import { namesIn, type OperationAt, operationsOf, parametersOf } from './operations.ts'

/** The name of an operation stands in headers, journals and prices. */
const operationIdPattern = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/

/** What makes operations addressable: names, templates, parameters, answers. */
export function checkOperations(file: CheckedFile): OperationAt[] {
  const paths = valueAt(file.value, ['paths'])
  const operations = operationsOf(file.value)
  if (isRecord(paths)) checkTemplates(file, Object.keys(paths))
  const seen = new Map<string, OperationAt>()
  for (const one of operations) {
    checkOperationId(file, one, seen)
    checkPathParameters(file, one)
    checkAnswers(file, one)
    if (!one.served) file.warn(one.at, `${one.method.toUpperCase()} is not served by the gateway`)
  }
  checkParameterLists(file, operations)
  if (!operations.some((one) => one.served)) {
    file.fault(['paths'], 'has no operation: there is nothing to publish', { needsWholeFile: true })
  }
  return operations.filter((one) => one.served)
}

function checkTemplates(file: CheckedFile, templates: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const template of templates) {
    const at = ['paths', template]
    if (!template.startsWith('/')) continue
    const shape = template.replace(/\{[^{}]*\}/g, '{}')
    const first = seen.get(shape)
    if (first !== undefined)
      file.fault(at, `is the same path as \`${first}\`: only the names of parameters differ`)
    else seen.set(shape, template)
    if (/[{}]/.test(shape.replaceAll('{}', '')) || namesIn(template).includes(''))
      file.fault(at, 'has braces that do not enclose the name of a parameter')
    if (/[?#\s]|\/\/|\/\.{1,2}(\/|$)/.test(template))
      file.fault(at, 'is no plain path: it must have no query, fragment, space, `//` or `/.`')
    const names = namesIn(template)
    for (const name of new Set(names.filter((name, i) => names.indexOf(name) !== i)))
      file.fault(at, `names {${name}} twice`)
  }
}

function checkOperationId(
  file: CheckedFile,
  one: OperationAt,
  seen: Map<string, OperationAt>,
): void {
  const id = one.operation.operationId
  const path = [...one.at, 'operationId']
  if (id === undefined) {
    file.fault(one.at, 'needs an `operationId`: prices, journals and samples call it by that name')
    return
  }
  if (typeof id !== 'string' || !operationIdPattern.test(id)) {
    file.fault(path, 'must be a letter followed by at most 127 letters, digits, `_`, `-` or `.`')
    return
  }
  const first = seen.get(id)
  if (first === undefined) seen.set(id, one)
  else file.fault(path, `\`${id}\` is also the operationId of ${first.method} ${first.template}`)
}

function checkPathParameters(file: CheckedFile, one: OperationAt): void {
  const names = namesIn(one.template)
  const declared = one.parameters.filter((parameter) => parameter.in === 'path')
  for (const name of names) {
    if (!declared.some((parameter) => parameter.name === name)) {
      file.fault(one.at, `does not declare the path parameter {${name}}`, { needsWholeFile: true })
    }
  }
  for (const parameter of declared) {
    if (!names.includes(parameter.name)) {
      const message = `the path parameter \`${parameter.name}\` is not in the path ${one.template}`
      file.fault(parameter.listedAt, message)
    }
  }
}

function checkParameterLists(file: CheckedFile, operations: readonly OperationAt[]): void {
  const lists = new Map<string, () => void>()
  for (const { at } of operations) {
    for (const owner of [at, at.slice(0, -1)]) {
      lists.set(pointerOf(owner), () => {
        const parameters = parametersOf(file.value, recordOf(valueAt(file.value, owner)), owner)
        for (const [index, { name, in: place, listedAt }] of parameters.entries()) {
          const first = parameters.findIndex((p) => p.name === name && p.in === place)
          if (first < index && name !== '')
            file.fault(listedAt, `the ${place} parameter \`${name}\` is listed twice`)
        }
      })
    }
  }
  for (const check of lists.values()) check()
}

/** A header, like a parameter, says what it may be. */
export function checkHeader(file: CheckedFile, value: unknown, path: Path): void {
  if (!isRecord(value) || '$ref' in value) return
  if (!('schema' in value || 'content' in value)) file.fault(path, 'needs `schema`')
}

/** A parameter says where it is, and one in the path is always there. */
export function checkParameter(file: CheckedFile, value: unknown, path: Path): void {
  checkHeader(file, value, path)
  if (!isRecord(value) || '$ref' in value) return
  const place = value.in
  if (place === undefined) return
  if (!['path', 'query', 'header', 'cookie'].includes(String(place))) {
    file.fault([...path, 'in'], 'must be one of path, query, header, cookie')
    return
  }
  if (place === 'path' && value.required !== true)
    file.fault(path, 'a path parameter needs `required: true`')
  if (place === 'cookie') file.warn(path, 'cookies are not read by the gateway')
}

function checkAnswers(file: CheckedFile, one: OperationAt): void {
  const responses = one.operation.responses
  if (responses === undefined) {
    file.fault(one.at, 'needs `responses`')
    return
  }
  if (!isRecord(responses)) return
  const statuses = Object.keys(responses).filter((name) => !name.startsWith('x-'))
  if (statuses.length === 0) file.fault([...one.at, 'responses'], 'needs at least one answer')
  else if (!statuses.some((status) => /^2/.test(status) || status === 'default'))
    file.warn([...one.at, 'responses'], 'documents no success: every answer is an error')
}
