/** What is known of the SIM behind a number. */
export type SimHistory =
  /** the SIM was replaced this many hours ago, whenever one asks */
  | { kind: 'swapped'; hoursAgo: number }
  /** never replaced; the history is complete, so the date of activation is reported */
  | { kind: 'activated'; at: string }
  /** no date is disclosed; nothing older than `keptDays` may be asked for */
  | { kind: 'undisclosed'; keptDays: number | undefined }

/** Where the network sees the device: a circle, and how long ago it saw it (0 is now). */
export type Whereabouts = {
  place: string
  latitude: number
  longitude: number
  accuracyMetres: number
  seenMinutesAgo: number
}

/**
 * A failure that a number stands for. A code with a leading dot belongs to the API (`.UNABLE_TO_LOCATE` is
 * `LOCATION_VERIFICATION.UNABLE_TO_LOCATE` there); the first code that the called API documents is answered.
 */
export type Failure =
  | { kind: 'refusal'; status: number; codes: readonly string[]; message: string }
  | { kind: 'slow'; delayMs: number }
  | { kind: 'malformed' }
  | { kind: 'silent' }

export type Subscriber = {
  phoneNumber: string
  title: string
  sim: SimHistory
  whereabouts: Whereabouts
  /** whether a code that is sent to this number can be used at all */
  codes: 'usual' | 'expired at once'
  failure: Failure | undefined
}
