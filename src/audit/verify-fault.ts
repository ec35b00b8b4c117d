/** What does not hold, and where: position of the first leaf that is not as it was written; null when no single leaf is at fault. */
export type Fault = { ok: false; at: number | null; reason: string }

/** Ends a verification. */
export class Broken extends Error {
  readonly fault: Fault
  constructor(at: number | null, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.fault = { ok: false, at, reason }
  }
}

export const broken = (at: number | null, reason: string, cause?: unknown): Broken =>
  new Broken(at, reason, { cause })

/** @throws Broken when there is something that does not hold */
export function refuseFault(reason: string | undefined): void {
  if (reason !== undefined) throw broken(null, reason)
}
