// Controls; what turns or hides what follows (Cf); letters and blanks that show as nothing; line ends of Unicode.
const unseen = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0`
// Joiners belong to the spelling of Persian, of Indian languages and of emoji, and turn nothing.
const joiners = String.raw`\u200c\u200d`
const visible = String.raw`(?![${unseen}])[\p{L}\p{N}\p{P}\p{S}]`
// So many marks over one letter climb out of their line; no language writes them.
const stacked = String.raw`\p{M}{6}`

/**
 * What a name may hold that one person chooses and others read, on pages, in mails and in terminals: one line in which
 * something is to be seen, and nothing that hides or turns what stands beside it. For `Type.String`, beside its lengths.
 * @public
 */
export const shownName = {
  pattern: `^(?=[\\s\\S]*${visible})(?![\\s\\S]*${stacked})(?:[${joiners}]|(?![${unseen}])[\\s\\S])+$`,
  must: 'must be one line that can be read: no characters that are not seen or that turn the direction of writing',
} as const

const unseenMarks = new RegExp(`(?![${joiners}])[${unseen}]`, 'gu')
const blanks = /\s+/gu
// Hebrew, Arabic and their neighbours, and the planes of older scripts that run the same way.
const rightToLeft =
  /[\u{590}-\u{8ff}\u{fb1d}-\u{fdff}\u{fe70}-\u{fefe}\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/**
 * A name inside a sentence: on one line, without what cannot be seen and, where it runs from right to left, isolated, so
 * that the words around it keep their order.
 * @public
 */
export function nameInSentence(name: string): string {
  const line = name.replace(blanks, ' ').replace(unseenMarks, '').trim()
  return rightToLeft.test(line) ? `\u2068${line}\u2069` : line
}
