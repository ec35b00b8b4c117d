import { describeSubscriber } from './describe-subscriber.ts'
import { magicNumbers } from './magic-numbers.ts'
import { codeRules } from './simulate-one-time-password.ts'
import type { Subscriber } from './subscriber.ts'

const tableOf = (subscribers: readonly Subscriber[]): string =>
  [
    '| number | who or what | behaviour |',
    '|---|---|---|',
    ...subscribers.map((s) => `| \`${s.phoneNumber}\` | ${s.title} | ${describeSubscriber(s)} |`),
  ].join('\n')

/** `docs/guides/sandbox-numbers.md`, made from the table that the simulator acts on. */
export function numbersGuide(): string {
  const people = magicNumbers.filter((s) => s.failure === undefined)
  const failures = magicNumbers.filter((s) => s.failure !== undefined)
  return `# The numbers of the sandbox

The sandbox is a simulated operator. Its subscribers have numbers that begin with \`+990\`, a country code that is not
assigned, so no mistake can reach a person. Every answer about a number is the same today and tomorrow; what a number
stands for is in these tables.

## People

${tableOf(people)}

All of them receive SMS: read them under *Received messages* in the portal. "3 h ago" stays true: the date of a swap
moves along in steps of half an hour. \`check\` and \`retrieve-date\` always agree.

## Failures

The last three digits are the status. Where several codes are named, an API answers with the first that its document
knows; \`API\` stands for the API's own prefix, as in \`LOCATION_VERIFICATION.UNABLE_TO_LOCATE\`. A refusal (4xx other than
429) that an API does not document does not happen there: the number then behaves like the first person. 429 and 5xx
can come from every API.

${tableOf(failures)}

## Any other number

Any other \`+990\` number is somebody, too: a SIM and a place that are made from the digits, the same for all time. About
three lines in four were never swapped. A number outside \`+990\` is unknown: 404.

## Devices by address

Where an API takes a \`device\`, \`203.0.113.7\` (any port) and \`2001:db8::7\` are the device of \`+99010000007\`, and
\`2001:db8::503\` is that of \`+99010000503\`. Other addresses are unknown: 404. If several identifiers are sent, the number
goes before IPv4, IPv4 before IPv6; the answer says which one was used.

## Codes by SMS

A code is valid for ${codeRules.validMinutes} minutes and once. After ${codeRules.maxWrong} wrong tries it is dead. An application may send
${codeRules.maxCodes} codes to a number in ${codeRules.perMinutes} minutes. Messages and codes are forgotten after 7 days, and no application
sees those of another.

## APIs without a simulation

SIM Swap v2, Device Location Verification v3 and One Time Password SMS v1 are simulated. Every other published API answers
with the examples of its document: the first success, with the fields of the request where both share them. To get
another answer, put a number anywhere in the request:

- one of the failures above, or
- \`+99010000\` + status for the documented answer of that status: \`+99010000202\` for a 202.
`
}
