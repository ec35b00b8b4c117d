import type { Clock } from '#platform/clock'
import type { Config } from '#platform/config'
import type { Sealing } from '#platform/sealing'

const purpose = 'handset-ticket'
const context = 'ticket'
const ticketMs = 120_000

/**
 * The address by which the portal opens the virtual handset for a partner, so that it shows what this partner's
 * applications caused. It says nothing readable and is good for two minutes.
 * @public
 */
export function handsetLink(
  { config, sealing, clock }: { config: Config; sealing: Sealing; clock: Clock },
  partnerId: string,
): string {
  const until = clock.now().getTime() + ticketMs
  const ticket = sealing.child(purpose).seal(JSON.stringify([partnerId, until]), context)
  return `${config.authorization.url}/sandbox/handset?ticket=${ticket}`
}

/** The partner whom the portal gave it to. */
export function openHandsetTicket(
  sealing: Sealing,
  ticket: string | undefined,
  now: Date,
): string | undefined {
  if (ticket === undefined || ticket.length > 1_024) return undefined
  try {
    const [partnerId, until] = JSON.parse(sealing.child(purpose).open(ticket, context)) as [
      string,
      number,
    ]
    return until > now.getTime() ? partnerId : undefined
  } catch {
    return undefined
  }
}
