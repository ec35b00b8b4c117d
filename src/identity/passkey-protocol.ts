import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import { challengeLifetimeMs, consumeChallenge, issueChallenge } from './challenge-store.ts'
import type { Identifying } from './needs.ts'
import type { PasskeyAssertion, PasskeyAttestation } from './schema.ts'
import type { Account } from './store.ts'
import type { ChallengePurpose, PasskeyRow } from './tables.ts'

// The library brings parsers of every kind of certificate: loaded when somebody uses a passkey, not at the start.
const library = () => import('@simplewebauthn/server')

/** EdDSA, ES256 and RS256: what authenticators of today make. */
const algorithms = [-8, -7, -257]

/** Portal and console have one origin, and passkeys are of its host. */
const relyingParty = ({ config }: Identifying): { id: string; origin: string; name: string } => {
  const { hostname, origin } = new URL(config.portal.url)
  return { id: hostname, origin, name: config.operatorName }
}

/** An opaque name of the person for authenticators: an id says nothing about it (WebAuthn, section 14.6.1). */
const handleOf = (personId: string): Buffer => Buffer.from(personId)

/** What a browser needs to make a passkey that can sign in without an e-mail address. */
export async function creationOptions(
  identifying: Identifying,
  account: Account,
  existing: readonly PasskeyRow[],
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { generateRegistrationOptions } = await library()
  const { id, name } = relyingParty(identifying)
  const purpose = 'passkey-registration'
  return await generateRegistrationOptions({
    rpID: id,
    rpName: name,
    userID: new Uint8Array(handleOf(account.id)),
    userName: account.email,
    userDisplayName: account.name,
    challenge: challengeBytes(await issueChallenge(identifying, purpose, account.id)),
    timeout: challengeLifetimeMs[purpose],
    attestationType: 'none',
    supportedAlgorithmIDs: algorithms,
    excludeCredentials: existing.map(descriptorOf),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  })
}

/**
 * What a browser needs to use a passkey. Before signing in it names none, whoever asks: the browser offers those that it
 * has, and nothing tells which address has an account.
 */
export async function requestOptions(
  identifying: Identifying,
  purpose: 'passkey-sign-in' | 'passkey-step-up',
  of?: { personId: string; passkeys: readonly PasskeyRow[] },
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await library()
  return await generateAuthenticationOptions({
    rpID: relyingParty(identifying).id,
    challenge: challengeBytes(await issueChallenge(identifying, purpose, of?.personId ?? null)),
    timeout: challengeLifetimeMs[purpose],
    userVerification: 'required',
    ...(of !== undefined && { allowCredentials: of.passkeys.map(descriptorOf) }),
  })
}

const challengeBytes = (challenge: string) => new Uint8Array(Buffer.from(challenge, 'base64url'))
const descriptorOf = ({ credential_id, transports }: PasskeyRow) => ({
  id: credential_id,
  transports,
})

type NewKey = Pick<
  PasskeyRow,
  'credential_id' | 'public_key' | 'counter' | 'transports' | 'synced' | 'backed_up'
>

/** @returns undefined when the answer of the authenticator is not good, for whatever reason; the log tells which */
export async function verifyCreation(
  identifying: Identifying,
  personId: string,
  response: PasskeyAttestation,
): Promise<NewKey | undefined> {
  const { verifyRegistrationResponse } = await library()
  const { id, origin } = relyingParty(identifying)
  const challenge = spending(identifying, { purpose: 'passkey-registration', personId })
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: challenge.expectedChallenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    })
    if (!verified) return undefined
    const { credential, credentialDeviceType, credentialBackedUp } = registrationInfo
    return {
      credential_id: credential.id,
      public_key: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: knownTransports(response.response.transports),
      synced: credentialDeviceType === 'multiDevice',
      backed_up: credentialBackedUp,
    }
  } catch (error) {
    return challenge.refuse(error)
  }
}

/**
 * Checks that the passkey signed our challenge, on our origin, with its user verified.
 * @returns undefined when it did not, for whatever reason
 */
export async function verifyAssertion(
  identifying: Identifying,
  of: { purpose: ChallengePurpose; personId: string | null },
  response: PasskeyAssertion,
  passkey: PasskeyRow | undefined,
): Promise<{ counter: number; backedUp: boolean } | undefined> {
  const { verifyAuthenticationResponse } = await library()
  const { id, origin } = relyingParty(identifying)
  const challenge = spending(identifying, of)
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as AuthenticationResponseJSON,
      expectedChallenge: challenge.expectedChallenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
      credential: {
        id: passkey?.credential_id ?? response.id,
        // An unknown passkey has no key, which fails like a wrong signature, and uses the challenge up like one.
        publicKey: new Uint8Array(Buffer.from(passkey?.public_key ?? '', 'base64url')),
        // The count is compared where it is stored, after the signature is known to be good.
        counter: 0,
      },
    })
    if (!verified || passkey === undefined) return undefined
    // Whether a passkey may be synced never changes (WebAuthn Level 3, section 7.2, step 18).
    if ((authenticationInfo.credentialDeviceType === 'multiDevice') !== passkey.synced)
      return undefined
    const { userHandle } = response.response
    if (
      userHandle !== undefined &&
      userHandle !== handleOf(passkey.person_id).toString('base64url')
    )
      return undefined
    return {
      counter: authenticationInfo.newCounter,
      backedUp: authenticationInfo.credentialBackedUp,
    }
  } catch (error) {
    return challenge.refuse(error)
  }
}

/** Uses the challenge up while the library looks at the answer, and tells its faults from those of the database. */
function spending(
  identifying: Identifying,
  { purpose, personId }: { purpose: ChallengePurpose; personId: string | null },
) {
  let outage: unknown
  return {
    expectedChallenge: async (challenge: unknown): Promise<boolean> => {
      if (typeof challenge !== 'string') return false
      try {
        return await consumeChallenge(identifying, purpose, personId, challenge)
      } catch (error) {
        outage = error
        throw error
      }
    },
    refuse(error: unknown): undefined {
      if (outage !== undefined) throw outage
      const reason = error instanceof Error ? error.message : 'unknown'
      identifying.log.debug({ reason }, 'a passkey was refused')
    },
  }
}

const transportWords = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']
const knownTransports = (given: readonly string[] | undefined): string[] =>
  transportWords.filter((word) => given?.includes(word) === true)
