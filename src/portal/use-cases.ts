import type { ApiHead, UseCase } from './schema.ts'

/** What people come for, with the APIs that serve it, best first. The landing page shows four: those on offer come first. */
const all: readonly (Omit<UseCase, 'api'> & {
  apis: readonly [name: string, operationId: string][]
})[] = [
  {
    id: 'takeover',
    title: 'Stop account takeover',
    problem: 'A swapped SIM sends your one-time passwords to a thief.',
    outcome: 'Ask before you trust the number: was this SIM changed lately?',
    apis: [['sim-swap', 'checkSimSwap']],
  },
  {
    id: 'number-proof',
    title: 'Prove a phone number',
    problem: 'Customers mistype their number, or use one that is not theirs.',
    outcome: 'Verify it with the network, or with a code that the network delivers.',
    apis: [
      ['number-verification', 'phoneNumberVerify'],
      ['one-time-password-sms', 'sendCode'],
    ],
  },
  {
    id: 'location',
    title: 'Check a location',
    problem: 'A payment says Lisbon. GPS in the app says whatever it is told.',
    outcome: 'Let the network say whether the phone is within the circle.',
    apis: [
      ['location-verification', 'verifyLocation'],
      ['location-retrieval', 'retrieveLocation'],
    ],
  },
  {
    id: 'quality',
    title: 'Ask for quality',
    problem: 'A video visit stutters when the cell is busy.',
    outcome: 'Reserve quality for one device, for as long as it matters.',
    apis: [
      ['quality-on-demand', 'createSession'],
      ['qos-provisioning', 'createProvisioning'],
    ],
  },
  {
    id: 'identity',
    title: 'Match customer data',
    problem: 'Applicants type what they like into your form.',
    outcome: 'Compare it with what the operator has verified, field by field.',
    apis: [
      ['kyc-match', 'KYC_Match'],
      ['kyc-age-verification', 'verifyAge'],
    ],
  },
  {
    id: 'billing',
    title: 'Charge the phone bill',
    problem: 'Many of your customers have no card.',
    outcome: 'Let them pay with what everybody has: a phone.',
    apis: [['carrier-billing', 'createPayment']],
  },
]

const shown = 4

export function listUseCases(apis: readonly ApiHead[]): UseCase[] {
  const cases = all.map(({ apis: wanted, ...useCase }): UseCase => {
    for (const [name, operationId] of wanted) {
      const api = newestOf(apis, name)
      if (api !== undefined)
        return {
          ...useCase,
          api: { name, version: api.version, title: api.title, operationId },
        }
    }
    return { ...useCase, api: undefined }
  })
  const offered = cases.filter((c) => c.api !== undefined)
  return [...offered, ...cases.filter((c) => c.api === undefined)].slice(0, shown)
}

function newestOf(apis: readonly ApiHead[], name: string): ApiHead | undefined {
  return apis
    .filter((api) => api.name === name && api.lifecycle === 'published')
    .toSorted((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }))[0]
}
