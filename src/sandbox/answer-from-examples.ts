import { actOut } from './act-out.ts'
import type { Call, Simulation } from './call.ts'
import { echoRequest } from './echo-request.ts'
import { findSubscriber } from './find-subscriber.ts'
import { type Outcome, refusal } from './outcome.ts'

/** Any operation that is not simulated: what its document shows, failing for the numbers that stand for failures. */
export const answerFromExamples: Simulation = (call) => {
  const numbers = sandboxNumbersIn(call)
  const failing = numbers.map(findSubscriber).find((known) => known?.failure !== undefined)
  return actOut(call, failing, () => chosenAnswer(call, numbers) ?? usualAnswer(call))
}

function usualAnswer(call: Call): Outcome {
  const success = call.documented.success()
  return success === undefined
    ? refusal(501, 'NOT_IMPLEMENTED', 'The document of this operation shows no answer.')
    : echoRequest(call, success)
}

const choice = /^\+99010000([2-5][0-9]{2})$/

/** `+99010000` + status: the documented answer of that status. */
function chosenAnswer(call: Call, numbers: readonly string[]): Outcome | undefined {
  for (const number of numbers) {
    const status = choice.exec(number)?.[1]
    const chosen = call.documented.example(Number(status))
    if (chosen !== undefined) return chosen.status < 300 ? echoRequest(call, chosen) : chosen
  }
  return undefined
}

const sandboxNumber = /^(?:tel:)?(\+990[0-9]{2,12})$/

/** Every sandbox number in the path, the query and the body, in that order. */
function sandboxNumbersIn(call: Call): string[] {
  return [
    ...Object.values(call.pathParameters),
    ...queryValues(call.query),
    ...textsOf(call.body),
    ...(call.subject === undefined ? [] : [call.subject]),
  ]
    .map((text) => sandboxNumber.exec(text)?.[1])
    .filter((number) => number !== undefined)
}

function queryValues(query: string): string[] {
  return query.split('&').flatMap((pair) => {
    try {
      return [decodeURIComponent(pair.slice(pair.indexOf('=') + 1))]
    } catch {
      return []
    }
  })
}

/** Without recursion: a body may be nested deeper than the stack. */
function textsOf(body: unknown): string[] {
  const texts: string[] = []
  const open: unknown[] = [body]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') texts.push(value)
    else if (typeof value === 'object' && value !== null) {
      for (const inner of Object.values(value).reverse()) open.push(inner)
    }
  }
  return texts
}
