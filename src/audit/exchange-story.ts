import type { ExchangeContext, ExchangePersonal, ExchangeRecordFacts } from './exchange-context.ts'
import { fact, type Story, type StorySection } from './story.ts'

export type ExchangeTold = {
  record: ExchangeRecordFacts
  personal: ExchangePersonal | 'erased' | undefined
  context: ExchangeContext
  /** what happened to the consents that it rests on, oldest first, as the log has it */
  consentEvents: readonly Record<string, unknown>[]
  /** the leaf in which the partner accepted the agreement */
  acceptance: Record<string, unknown> | undefined
}

/** Why somebody got something of a subscriber, for people. */
export function exchangeStory(told: ExchangeTold): Story {
  const { record, context } = told
  const who = nameOf(context.partner, record.partnerId, 'a caller that was not recognised')
  const api = context.api ?? record.apiId ?? 'an address'
  return {
    title: `Why ${who} called ${api} at ${clockOf(record.at)}`,
    sentence: sentenceOf(told, who, api),
    sections: [
      callSection(told),
      basisSection(told),
      ...noticeSections(told),
      contractSection(told),
      decisionSection(told),
    ].filter(({ facts, quote }) => facts.length > 0 || quote !== undefined),
  }
}

const nameOf = (name: string | undefined, id: string | undefined, otherwise: string): string =>
  name ?? id ?? otherwise

/** `10:04:05 UTC on 2026-11-21` */
const clockOf = (at: string): string => `${at.slice(11, 19)} UTC on ${at.slice(0, 10)}`

const isAnswered = ({ status }: ExchangeRecordFacts): boolean => status >= 200 && status < 300

function sentenceOf(told: ExchangeTold, who: string, api: string): string {
  const { record, context } = told
  const application = nameOf(context.application, record.applicationId, '')
  const caller = application === '' ? who : `${who}, with its application ${application},`
  const what = record.operationId === undefined ? '' : ` (${record.operationId})`
  const purpose = record.purpose === undefined ? '' : ` for ${purposeOf(record.purpose)}`
  const asked = `At ${clockOf(record.at)} ${caller} called ${api}${what} about a subscriber${purpose}${record.environment === 'sandbox' ? ', in the sandbox' : ''}.`
  if (record.refusedBy !== undefined && record.refusedBy !== 'upstream')
    return `${asked} It was refused (${record.status}) by the rule ${record.refusedBy}${context.refusal === undefined ? '' : `: ${context.refusal}`}. Nothing about the subscriber was answered.`
  if (!isAnswered(record))
    return `${asked} It was let pass, and the service behind the API answered ${record.status}.`
  return `${asked} It was answered because ${reasonOf(told)}.`
}

const purposeOf = (term: string): string =>
  term
    .replace(/^dpv:/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()

function reasonOf(told: ExchangeTold): string {
  const { record, consentEvents, personal } = told
  switch (record.basis) {
    case 'consent': {
      if (personal === 'erased')
        return 'the subscriber had consented to it; which consent it was is not known any more, because the subscriber was erased'
      if (record.environment === 'sandbox' && (personal?.consents ?? []).length === 0)
        return 'the people of the sandbox consent to everything until they say no, and this one had not'
      const granted = consentEvents.findLast((one) => stateOf(one) === 'GRANTED')
      const at = textOf(granted?.at)
      // Gone by its age, or granted by nobody who writes evidence: it must not read like a proven one.
      if (at === undefined)
        return 'the gateway knew a consent of the subscriber; the log has nothing of how it was given'
      const consented = `the subscriber had consented to it at ${clockOf(at)}`
      const end = textOf(consentEvents.find(isEnd)?.at)
      return end === undefined
        ? `${consented}, and had not withdrawn it`
        : `${consented}; that it had ended at ${clockOf(end)} had not reached the gateway yet`
    }
    case 'legitimate-interest':
      return 'it rests on a legitimate interest, to which the subscriber had not objected'
    case 'contract':
    case undefined:
      return 'the contract of the partner is its legal basis, and the subscriber need not be asked'
    default:
      return `its legal basis is ${record.basis}`
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined
const stateOf = (event: Record<string, unknown>): string | undefined =>
  textOf(event.state) ?? textOf(event.eventState)
const isEnd = (event: Record<string, unknown>): boolean =>
  ['WITHDRAWN', 'EXPIRED'].includes(stateOf(event) ?? '')

function callSection({ record, personal, context }: ExchangeTold): StorySection {
  return {
    title: 'The call',
    facts: [
      ...fact('When', record.at),
      ...fact('Partner', idAndName(record.partnerId, context.partner)),
      ...fact('Application', idAndName(record.applicationId, context.application)),
      ...fact('API', idAndName(record.apiId, context.api)),
      ...fact('Operation', [record.method, record.operationId].filter(Boolean).join(' ')),
      ...fact('Environment', record.environment),
      ...fact('Answer', [record.status, record.code].filter(Boolean).join(' ')),
      ...fact('Exchange', record.id),
      ...fact(
        'Subscriber',
        personal === 'erased'
          ? 'erased: nobody can tell any more whom it was about'
          : (personal?.subject ?? 'nobody who was recognised'),
      ),
      ...fact('Masked in the answer', record.masked?.join(', ')),
      ...fact(
        'Taken out of the answer',
        record.stripped === true ? 'undeclared fields' : undefined,
      ),
    ],
  }
}

const idAndName = (id: string | undefined, name: string | undefined): string | undefined =>
  name === undefined || id === undefined ? id : `${name} (${id})`

function basisSection({ record, personal, consentEvents }: ExchangeTold): StorySection {
  const own = personal === 'erased' ? undefined : personal
  return {
    title: 'Legal basis',
    facts: [
      ...fact('Basis', record.basis ?? 'contract'),
      ...fact('Purpose', record.purpose),
      ...fact('Scopes', record.scopes?.join(', ')),
      ...fact('Consent', own?.consents?.join(', ')),
      ...consentEvents.map((event) => ({
        label: stateOf(event) ?? 'changed',
        value: [event.at, event.recordId, event.channel, event.method]
          .flatMap((part) => textOf(part) ?? [])
          .join(', '),
      })),
    ],
  }
}

/** The words that the subscriber said yes to. */
const noticeSections = ({ context }: ExchangeTold): StorySection[] =>
  context.notices.map(({ hash, locale, content }) => ({
    title: 'What the subscriber was shown',
    facts: [...fact('Language', locale), ...fact('SHA-256 (base64url)', hash)],
    quote: wordsOf(content),
  }))

/** In which order the parts of a notice stand on its page; what is left out there is codes. */
const shown = ['title', 'who', 'what', 'why', 'label', 'explanation', 'howLong', 'withdrawal']
const codes = ['locale', 'scope', 'purpose']
const placeOf = (name: string): number => (shown.includes(name) ? shown.indexOf(name) : 99)

/** The texts of a notice as they stood on its page; the file holds it as it was hashed. */
function wordsOf(content: string): string {
  const lines: string[] = []
  const collect = (value: unknown): void => {
    if (typeof value === 'string') lines.push(value)
    else if (Array.isArray(value)) value.forEach(collect)
    else if (typeof value === 'object' && value !== null)
      for (const [name, part] of Object.entries(value).sort(([x], [y]) => placeOf(x) - placeOf(y)))
        if (!codes.includes(name)) collect(part)
  }
  try {
    collect(JSON.parse(content))
  } catch {
    return content
  }
  return lines.join('\n')
}

function contractSection({ record, context, acceptance }: ExchangeTold): StorySection {
  const { contract } = context
  const agreement = contract?.agreement
  return {
    title: 'Contract and credential',
    facts: [
      ...fact('Contract', record.contractId),
      ...fact('Plan', contract?.plan),
      ...fact('Since', contract?.since),
      ...fact(
        'Agreement',
        agreement && `${agreement.name}, version ${agreement.version} (${agreement.id})`,
      ),
      ...fact('SHA-256 of the agreement', agreement?.sha256),
      ...fact(
        'Accepted',
        acceptance && `${textOf(acceptance.occurred_at)} by ${textOf(acceptance.actor_id)}`,
      ),
    ],
  }
}

function decisionSection({ record, personal, context }: ExchangeTold): StorySection {
  const own = personal === 'erased' ? undefined : personal
  return {
    title: 'What was checked',
    facts: [
      ...fact('Credential', [record.credential, record.credentialId].filter(Boolean).join(' ')),
      ...fact('Bound to', record.bound),
      ...fact('Token', own?.token),
      ...fact('Grant', own?.grant),
      ...context.rules.map(({ rule, asks }) => ({ label: rule, value: `yes: ${asks}` })),
      ...fact(record.refusedBy ?? '', record.refusedBy && `no: ${context.refusal ?? 'refused'}`),
    ],
  }
}
