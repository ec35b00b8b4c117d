import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
} from '@simplewebauthn/browser'
import type { NewPasskeyResult, Session, StepUpState } from '#identity/schema'
import { type Fault, faultFrom, ManagementError, manage } from './management.ts'

type RequestOptions = Parameters<typeof startAuthentication>[0]['optionsJSON']
type CreationOptions = Parameters<typeof startRegistration>[0]['optionsJSON']

/** Whether this browser can use passkeys here: not in an old one, and not at an address without https. */
export const passkeysWork = (): boolean => browserSupportsWebAuthn()

/** Lets the browser offer its passkeys in the address field by itself, where it can. */
export const passkeysFillIn = (): Promise<boolean> => browserSupportsWebAuthnAutofill()

/** Ends a request to the browser that is still open: there can be one at a time. */
export const stopAsking = (): void => WebAuthnAbortService.cancelCeremony()

/** @param fillIn waits in the address field instead of asking at once */
/** @param ticket of a sign-in that an identity provider began */
export async function signInWithPasskey(fillIn = false, ticket?: string): Promise<Session> {
  const optionsJSON = await manage<RequestOptions>('POST', '/session/passkey-options')
  const response = await startAuthentication({ optionsJSON, useBrowserAutofill: fillIn })
  return await manage<Session>('POST', '/session/passkey', {
    response,
    ...(ticket === undefined ? {} : { ticket }),
  })
}

export async function proveWithPasskey(): Promise<StepUpState> {
  const optionsJSON = await manage<RequestOptions>('POST', '/session/step-up/passkey-options')
  const response = await startAuthentication({ optionsJSON })
  return await manage<StepUpState>('POST', '/session/step-up', { method: 'passkey', response })
}

/** `manage` is that of the page, which asks for a proof that the person is there when one is needed. */
export async function makePasskey(
  name: string,
  change: typeof manage = manage,
): Promise<NewPasskeyResult> {
  const optionsJSON = await change<CreationOptions>('POST', '/factors/passkeys/options')
  const response = await startRegistration({ optionsJSON })
  return await change<NewPasskeyResult>('POST', '/factors/passkeys', { name, response })
}

const sentences: Record<string, string> = {
  NotAllowedError: 'No passkey was used: it was cancelled, or took too long.',
  InvalidStateError: 'This device has a passkey for your account already.',
  SecurityError: 'Passkeys do not work at this address. Open the portal at its own address.',
  NotSupportedError: 'This device cannot make passkeys that sign in by themselves.',
  ConstraintError: 'This device cannot check that it is you: set up a PIN or a fingerprint first.',
}

/** @returns what to say; undefined when the page itself has ended the request */
export function passkeyFault(error: unknown): Fault | undefined {
  if (error instanceof ManagementError) return error.fault
  const names = [error, error instanceof Error ? error.cause : undefined].map((one) =>
    one instanceof Error ? one.name : '',
  )
  if (names.includes('AbortError')) return undefined
  const name = names.find((one) => sentences[one] !== undefined)
  const fault = faultFrom(error)
  return name === undefined ? fault : { ...fault, code: name, message: sentences[name] ?? '' }
}
