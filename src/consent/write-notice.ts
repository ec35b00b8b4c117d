import type { Notice } from './face.ts'
import { canonicalJson, hashOf, type LanguageText } from './language-text.ts'

const longestName = 120
/** Control characters, and those that turn the direction of what follows: a name must not rewrite the question. */
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu

/** A name that somebody chose, as part of a sentence. It stays text: `<b>` is shown as `<b>`. */
export function nameInText(name: string): string {
  const clean = name.replaceAll(unseen, ' ').replaceAll(/\s+/g, ' ').trim()
  const letters = [...clean]
  return letters.length > longestName ? `${letters.slice(0, longestName - 1).join('')}…` : clean
}

/** Fills in once: what is filled in is not looked at again. */
export const fillIn = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\{([a-z]+)\}/gi, (whole, name: string) => values[name] ?? whole)

/** `Fraud prevention and detection`, of a purpose that no text names. */
export function plainTerm(purpose: string): string {
  const words = purpose
    .replace(/^dpv:/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** What the subscriber reads, in one language. */
export function writeNotice(
  text: LanguageText,
  about: {
    applicationName: string
    partnerName: string
    purpose: string
    scopes: readonly string[]
    expiresAfterDays: number | undefined
  },
): Notice {
  const { words } = text
  const known = text.purposes[about.purpose]
  const values = {
    application: nameInText(about.applicationName),
    partner: nameInText(about.partnerName),
    days: String(about.expiresAfterDays ?? ''),
  }
  const purposeLabel = known?.label ?? plainTerm(about.purpose)
  return {
    locale: text.locale,
    title: fillIn(words.title, values),
    who: fillIn(words.who, values),
    what: about.scopes.map((scope) => ({
      scope,
      label: text.scopes[scope] ?? fillIn(words.otherScope, { scope: nameInText(scope) }),
    })),
    why: {
      purpose: about.purpose,
      label: purposeLabel,
      explanation:
        known?.explanation ?? fillIn(words.otherPurpose, { ...values, purpose: purposeLabel }),
    },
    howLong: fillIn(
      about.expiresAfterDays === undefined ? words.untilWithdrawn : words.forDays,
      values,
    ),
    withdrawal: words.withdrawal,
    allow: words.allow,
    refuse: words.refuse,
  }
}

/** The form in which a notice is kept and hashed. */
export function sealNotice(notice: Notice): { hash: string; content: string } {
  const content = canonicalJson(notice)
  return { hash: hashOf(content), content }
}
