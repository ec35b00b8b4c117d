import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'

/** The words around every question. `{application}`, `{partner}`, `{days}`, … are filled in. */
export type Words = {
  title: string
  who: string
  untilWithdrawn: string
  forDays: string
  withdrawal: string
  otherPurpose: string
  otherScope: string
  allow: string
  refuse: string
  sms: string
}

/** Everything that questions in one language are made of. */
export type LanguageText = {
  /** `de`, `pt-BR` */
  locale: string
  words: Words
  /** by DPV term */
  purposes: Readonly<Record<string, { label: string; explanation: string }>>
  /** by scope: what it gives, as a subscriber would say it */
  scopes: Readonly<Record<string, string>>
}

/** What an operator says over it: as much as it likes. */
export type LanguageOverlay = { locale: string } & {
  [part in 'words' | 'purposes' | 'scopes']?: Partial<LanguageText[part]>
}

export const fallbackLocale = 'en'

let builtIn: ReadonlyMap<string, LanguageText> | undefined

/** The languages that come with the product. */
export function builtInTexts(): ReadonlyMap<string, LanguageText> {
  if (builtIn !== undefined) return builtIn
  const folder = path.join(import.meta.dirname, 'texts')
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .map((name) => parse(readFileSync(path.join(folder, name), 'utf8')) as LanguageText)
  builtIn = new Map(texts.map((text) => [text.locale, text]))
  return builtIn
}

/** Each layer over those before it. A language that an overlay begins has what it does not say in English. */
export function layText(
  base: ReadonlyMap<string, LanguageText>,
  overlays: readonly LanguageOverlay[],
): ReadonlyMap<string, LanguageText> {
  const texts = new Map(base)
  for (const overlay of overlays) {
    const under = texts.get(overlay.locale) ?? texts.get(fallbackLocale)
    if (under === undefined) continue
    texts.set(overlay.locale, {
      locale: overlay.locale,
      words: { ...under.words, ...overlay.words },
      purposes: { ...under.purposes, ...(overlay.purposes as LanguageText['purposes']) },
      scopes: { ...under.scopes, ...(overlay.scopes as LanguageText['scopes']) },
    })
  }
  return texts
}

/** JSON with its members in order, so that the same content has the same text and hash. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

export const hashOf = (content: string): string =>
  createHash('sha256').update(content, 'utf8').digest('base64url')
