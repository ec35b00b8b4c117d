import type { Exchange } from '#metering/schema'
import type { Registration, Requirement } from '#partners/schema'

export type Check = {
  id: string
  state: 'done' | 'listening' | 'open'
  title: string
  detail: string
  link?: { to: string; label: string }
}

/** What a new partner does, in the order that pays off; each is found out, none is ticked by hand. */
export function checklist(options: {
  exchanges: readonly Exchange[]
  requirements: readonly Requirement[]
  memberCount: number
  now: Date
}): Check[] {
  const { exchanges, requirements, memberCount } = options
  const success = exchanges.findLast((e) => e.status >= 200 && e.status < 300)
  const failure = exchanges.findLast((e) => e.status >= 400 && e.status < 600)
  return [
    success === undefined
      ? {
          id: 'first-call',
          state: 'listening',
          title: 'Make a first call',
          detail: 'This page is listening. Paste the line above into a shell, or press Run here.',
        }
      : {
          id: 'first-call',
          state: 'done',
          title: 'First call made',
          detail: `${success.status} from ${success.apiId ?? 'the gateway'} ${success.operationId ?? ''} in ${Math.max(1, Math.round(success.totalMs))} ms.`,
          link: {
            to: `/app/calls?correlator=${encodeURIComponent(success.correlator)}`,
            label: 'Show the call',
          },
        },
    failure === undefined
      ? {
          id: 'first-failure',
          state: success === undefined ? 'open' : 'listening',
          title: 'Meet a failure on purpose',
          detail: 'Call again with +99010000404: your code should treat that 404 as an answer.',
        }
      : {
          id: 'first-failure',
          state: 'done',
          title: 'A failure seen',
          detail: `${failure.status} ${failure.code ?? ''}`.trim(),
          link: {
            to: `/app/calls?correlator=${encodeURIComponent(failure.correlator)}`,
            label: 'Show the call',
          },
        },
    {
      id: 'team',
      state: memberCount > 1 ? 'done' : 'open',
      title: memberCount > 1 ? 'Your team is here' : 'Invite a colleague',
      detail:
        memberCount > 1
          ? `${memberCount} members.`
          : 'So that keys and calls do not depend on one person.',
      link: { to: '/app/members', label: 'Members' },
    },
    productionCheck(requirements),
  ]
}

function productionCheck(requirements: readonly Requirement[]): Check {
  const open = requirements.filter((r) => !r.done)
  const link = { to: '/app/production', label: 'Production' }
  if (requirements.length > 0 && open.length === 0)
    return {
      id: 'production',
      state: 'done',
      title: 'Ready for production',
      detail: 'Everything that production needs is there.',
      link,
    }
  return {
    id: 'production',
    state: 'open',
    title: 'Prepare production, whenever you like',
    detail:
      open.length === 0
        ? 'The sandbox needs nothing of it.'
        : `Still open: ${open.map((r) => r.title).join('; ')}.`,
    link,
  }
}

const key = 'wayleave.first-call'

/** What the sign-up page kept in this tab. */
export function keptRegistration(store: Pick<Storage, 'getItem'>): Registration | undefined {
  const text = store.getItem(key)
  if (text === null) return undefined
  try {
    return JSON.parse(text) as Registration
  } catch {
    return undefined
  }
}

/** The sample with the values that are known. */
export const withKeys = (
  code: string,
  keys: { clientId: string | undefined; clientSecret: string | undefined },
): string =>
  code
    .replaceAll('YOUR_CLIENT_ID', keys.clientId ?? 'YOUR_CLIENT_ID')
    .replaceAll('YOUR_CLIENT_SECRET', keys.clientSecret ?? 'YOUR_CLIENT_SECRET')
