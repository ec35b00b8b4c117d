/**
 * How Node is started for a gateway; `./wayleave gateway` says the same. Calls leave nearly nothing but garbage: with
 * half of the room for it, it is collected twice as often, for about a microsecond a call, and 30 to 50 MB less are held.
 */
export const gatewayFlags: readonly string[] = ['--max-semi-space-size=16']
