import type { ConsentLanguage } from '#consent/schema'

/** Whose words they are: what an operator said goes over what came with the product. */
export const versionText = ({ builtIn, own }: ConsentLanguage): string => {
  if (own === undefined) return 'the product'
  return builtIn
    ? `the product, changed by ${own.madeBy}`
    : `${own.madeBy}; what is left out is English`
}

/** Every sentence, purpose and scope of a language, one line each. */
export const wordRows = ({ words, purposes, scopes }: ConsentLanguage) => [
  ...Object.entries(words).map(([name, text]) => ({ name, text })),
  ...Object.entries(purposes).map(([name, { label, explanation }]) => ({
    name,
    text: `${label}: ${explanation}`,
  })),
  ...Object.entries(scopes).map(([name, text]) => ({ name, text })),
]
