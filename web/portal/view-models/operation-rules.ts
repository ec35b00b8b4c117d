import type { OperationPage } from '#portal/schema'

type Rules = NonNullable<OperationPage['rules']>
type Mask = { action: 'remove' | 'mask' | 'hash' | 'coarsen' | 'pass'; gridMetres?: number }

/** What is done to a field, as the end of a sentence that begins with its name. */
export function maskText({ action, gridMetres }: Mask): string {
  switch (action) {
    case 'remove':
      return 'is left out'
    case 'mask':
      return 'is made unreadable'
    case 'hash':
      return 'is a hash'
    case 'coarsen':
      return gridMetres === undefined ? 'is made coarse' : `is rounded to ${metres(gridMetres)}`
    case 'pass':
      return 'is shown as it is'
  }
}

const metres = (value: number): string =>
  value >= 1_000 && value % 100 === 0 ? `${value / 1_000} km` : `${value} m`

/** What the operator decided about an operation, in sentences; none where everything is as usual. */
export function rulesOf(rules: Rules | undefined): string[] {
  if (rules === undefined) return []
  const { credentials = ['access-token'], weight = 1, masks = [] } = rules
  const apiKey = credentials.includes('api-key')
  const sentences: [boolean, string][] = [
    [
      apiKey && credentials.includes('access-token'),
      'An API key of your application is enough; an access token works, too.',
    ],
    [apiKey && credentials.length === 1, 'Called with an API key of your application.'],
    [rules.clientCertificate === true, 'A client certificate that you registered is needed.'],
    [
      rules.senderConstrained === true,
      'The access token must be bound to a certificate or a key (mTLS or DPoP).',
    ],
    [weight > 1, `One call counts as ${weight} in rates and quota.`],
    [rules.idempotency === 'required', 'An Idempotency-Key is needed.'],
    [rules.cacheSeconds !== undefined, `An answer may be up to ${rules.cacheSeconds} s old.`],
    ...masks
      .filter(({ action }) => action !== 'pass')
      .map((mask): [boolean, string] => {
        const scopes = mask.revealedBy?.join(' or ')
        const unless = scopes === undefined ? '' : `, unless the token has the scope ${scopes}`
        return [true, `${mask.field} ${maskText(mask)}${unless}.`]
      }),
  ]
  return sentences.flatMap(([holds, sentence]) => (holds ? [sentence] : []))
}
