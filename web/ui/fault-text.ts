import type { Fault } from './management.ts'

/**
 * What was refused, for a person. Programs are told where in their request it stands (`/phoneNumber: must be …`); a person
 * filled in a field.
 */
export function faultText({ message, violations }: Pick<Fault, 'message' | 'violations'>): string {
  const [first] = violations
  if (first === undefined || !message.startsWith(`${first.path}: `)) return message
  return violations.map((violation) => sentenceOf(violation)).join(' ')
}

function sentenceOf({ path, message }: Fault['violations'][number]): string {
  const name = path.split('/').findLast((part) => part !== '' && !/^\d+$/.test(part)) ?? ''
  // What a rule says begins with its verb; what a person wrote is a sentence already.
  const said = /^(must|has|is|needs|may|cannot) /.test(message)
    ? `${wordsOf(name)} ${message}`.trim()
    : message
  const sentence = said.charAt(0).toUpperCase() + said.slice(1)
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`
}

const wordsOf = (name: string): string => name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
