import type { Fault } from '../../ui/management.ts'

/** The server's violations by the place in the body that they are about: `/masks/0/field`. */
export function errorsAt(fault: Fault | undefined): (place: string) => string | undefined {
  const messages = new Map<string, string>()
  for (const { path, message } of fault?.violations ?? [])
    messages.set(path, [messages.get(path), message].filter(Boolean).join('; '))
  return (place) => messages.get(place)
}

/** What no field of a form shows; the head of the form says it. */
export function unplaced(
  fault: Fault | undefined,
  isShown: (place: string) => boolean,
): Fault | undefined {
  if (fault === undefined) return undefined
  const rest = fault.violations.filter(({ path }) => !isShown(path))
  if (fault.violations.length === 0) return fault
  if (rest.length === 0) return undefined
  const message = rest.map(({ path, message: text }) => `${path} ${text}`).join('; ')
  return { ...fault, message, violations: rest }
}
