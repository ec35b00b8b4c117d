import type { Violation } from '#platform/app-error'
import { commonPasswords } from './common-passwords.ts'

/** Length is checked by the wire schema; this is what a schema cannot say. */
export function passwordFaults(
  password: string,
  about: { email?: string | undefined; organisation?: string | undefined },
): Violation[] {
  const plain = lettersAndDigits(password)
  const messages: string[] = []
  if (isCommon(password)) {
    messages.push('is among the passwords that are tried first; a few unrelated words are better')
  }
  const localPart = lettersAndDigits(about.email?.split('@', 1)[0] ?? '')
  if (tells(plain, localPart)) {
    messages.push('must not contain the first part of your e-mail address')
  }
  if (tells(plain, lettersAndDigits(about.organisation ?? ''))) {
    messages.push('must not contain the name of your organisation')
  }
  return messages.map((message) => ({ path: '/password', message }))
}

// A local part or a name of three letters is in a good many passwords by chance.
const tells = (password: string, part: string): boolean =>
  part.length >= 4 && password.includes(part)

const lettersAndDigits = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')

const lookAlikes: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '1': 'i',
  '!': 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
}
const unmasked = (text: string): string => [...text].map((c) => lookAlikes[c] ?? c).join('')

/** A common password, also when it is dressed up with capitals, look-alikes, or numbers and signs at its ends. */
function isCommon(password: string): boolean {
  const text = password.normalize('NFKC').toLowerCase()
  const unit = /^(.+?)\1+$/su.exec(text)?.[1]
  if (unit !== undefined && unit.length < text.length && isCommon(unit)) return true
  const withoutEnd = text.replace(/[^\p{L}]+$/u, '')
  const withoutEnds = withoutEnd.replace(/^[^\p{L}]+/u, '')
  const forms = [text, withoutEnd, withoutEnds, lettersAndDigits(text)]
  const isListed = forms.some((f) => commonPasswords.has(f) || commonPasswords.has(unmasked(f)))
  return isListed || isRepeated(text) || isSequence(text)
}

/** One to four characters over and over. */
const isRepeated = (text: string): boolean => /^(.{1,4}?)\1+.{0,3}$/su.test(text)

const rows = [
  '01234567890123456789',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
  '!@#$%^&*()_+',
]
const walks = [...rows, ...rows.map((row) => [...row].reverse().join(''))]

/** Walks over the keyboard or along the alphabet, of four keys or more each, and next to nothing else. */
function isSequence(text: string): boolean {
  const characters = [...text]
  let rest = 0
  for (let i = 0; i < characters.length; ) {
    let length = 0
    while (
      i + length < characters.length &&
      walks.some((walk) => walk.includes(characters.slice(i, i + length + 1).join('')))
    ) {
      length += 1
    }
    if (length < 4) rest += 1
    i += length < 4 ? 1 : length
  }
  return rest <= 3
}
