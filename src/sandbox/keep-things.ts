import type { DatabasePool } from '#platform/database'
import type { ResourceRule } from '#snapshot'
import { answerFromExamples } from './answer-from-examples.ts'
import type { Call, Simulation } from './call.ts'
import { type Answer, type Outcome, refusal } from './outcome.ts'
import { asObject, type Fields, fieldOf } from './request-fields.ts'
import type { Random } from './simulate-one-time-password.ts'
import { addThing, findThing, listThings, removeThing, type ThingKey } from './store.ts'
import type { SandboxTables } from './tables.ts'

const mostListed = 100

/**
 * Operations that make, read or list things: answered from examples like any other, and what was made is there
 * afterwards, under an id of its own, for the application that made it and nobody else.
 */
export function createThings(deps: {
  database: DatabasePool
  random: Pick<Random, 'uuid'>
}): Simulation {
  const db = deps.database.as<SandboxTables>()

  const make = async (call: Call, rule: ResourceRule): Promise<Outcome> => {
    const outcome = await answerFromExamples(call)
    if (typeof outcome === 'string' || outcome.status >= 300 || rule.field === undefined)
      return outcome
    const made = withNewId(call, outcome, rule.field.split('.'), deps.random.uuid())
    const id = idAt(made.body, rule.field.split('.'))
    if (id !== undefined)
      await addThing(db, keyOf(call, rule, id), JSON.stringify(made.body), call.now)
    return made
  }

  const reach = async (call: Call, rule: ResourceRule): Promise<Outcome> => {
    const key = keyOf(call, rule, call.pathParameters[rule.parameter ?? ''] ?? '')
    const body = await findThing(db, key)
    if (body === undefined) return notThere(call)
    const outcome = await answerFromExamples(call)
    if (typeof outcome === 'string' || outcome.status >= 300) return outcome
    const { method } = call.documented.operation
    if (method === 'DELETE') await removeThing(db, key)
    if (method !== 'GET') return outcome
    const shown: unknown = JSON.parse(body)
    return call.documented.allows(outcome.status, shown) ? { ...outcome, body: shown } : outcome
  }

  const list = async (call: Call, rule: ResourceRule): Promise<Outcome> => {
    const outcome = await answerFromExamples(call)
    if (typeof outcome === 'string' || outcome.status >= 300) return outcome
    const texts = await listThings(db, keyOf(call, rule, ''), mostListed)
    const things = texts.map((text): unknown => JSON.parse(text))
    const isRoot = rule.items === undefined || rule.items === ''
    if (isRoot && !Array.isArray(outcome.body)) return single(call, outcome, things)
    const of = (items: readonly unknown[]): unknown =>
      isRoot || rule.items === undefined ? items : put(outcome.body, rule.items.split('.'), items)
    // What was made and what is listed may have different forms: then the list has what fits.
    const fitting = things.filter((thing) => call.documented.allows(outcome.status, of([thing])))
    return { ...outcome, body: of(fitting) }
  }

  return (call) => {
    const rule = call.documented.operation.terms?.resource
    switch (rule?.role) {
      case undefined:
        return answerFromExamples(call)
      case 'create':
        return make(call, rule)
      case 'access':
        return rule.name.includes('/') ? answerFromExamples(call) : reach(call, rule)
      case 'list':
        return list(call, rule)
    }
  }
}

const notThere = (call: Call): Outcome =>
  call.documented.refuse(404, ['NOT_FOUND'], 'There is no such thing.') ??
  refusal(404, 'NOT_FOUND', 'There is no such thing.')

/** What is found otherwise than by its id: the newest that was made and that the answer may be. */
function single(call: Call, outcome: Answer, things: readonly unknown[]): Outcome {
  const body = things.findLast((thing) => call.documented.allows(outcome.status, thing))
  return body === undefined ? notThere(call) : { ...outcome, body }
}

const keyOf = (call: Call, rule: ResourceRule, id: string): ThingKey => ({
  applicationId: call.applicationId,
  resource: `${call.api.name}/${rule.name}`,
  id,
})

/** The example's own id would be the same for everybody: a new one in a form that the document allows. */
function withNewId(call: Call, example: Answer, path: readonly string[], uuid: string): Answer {
  const before = idAt(example.body, path)
  const digits = BigInt(`0x${uuid.replaceAll('-', '')}`)
    .toString()
    .slice(0, 15)
  for (const id of [uuid, uuid.replaceAll('-', ''), digits, Number(digits)]) {
    const body = put(example.body, path, id)
    if (!call.documented.allows(example.status, body)) continue
    const headers = Object.entries(example.headers).map(([name, value]) => [
      name,
      before === undefined || before === '' ? value : value.replaceAll(before, String(id)),
    ])
    return { ...example, body, headers: Object.fromEntries(headers) }
  }
  return example
}

function idAt(body: unknown, path: readonly string[]): string | undefined {
  let value = body
  for (const name of path) value = fieldOf(asObject(value) ?? {}, name)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

/** A copy in which the member at a path has another value. */
function put(body: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value
  const fields: Fields = asObject(body) ?? {}
  return { ...fields, [name]: put(fieldOf(fields, name), rest, value) }
}
