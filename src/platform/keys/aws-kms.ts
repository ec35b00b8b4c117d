import type { EncryptCommandOutput, KMSClient } from '@aws-sdk/client-kms'
import type { Config } from '../config.ts'
import { kmsRegion } from '../key-settings.ts'
import { type KeyContext, type KeyEncryption, KeyEncryptionError } from './key-encryption.ts'

const connectMs = 2_000
const answerMs = 5_000

/**
 * A symmetric key of AWS KMS. The encryption context is bound to each wrapped key, stands in CloudTrail, and can be
 * demanded by the key's policy. The SDK is loaded when the key is used.
 */
export function awsKms(key: string, config: Pick<Config, 'keys' | 'aws'>): KeyEncryption {
  const sdk = () => import('@aws-sdk/client-kms')
  let made: Promise<KMSClient> | undefined
  const client = (): Promise<KMSClient> => {
    made ??= sdk().then(({ KMSClient }) => new KMSClient(clientOptions(key, config)))
    return made
  }
  return {
    id: () => `aws-kms:${key}`,
    async wrap(plain, context) {
      const { EncryptCommand } = await sdk()
      const answer = await ask<EncryptCommandOutput>(key, async () =>
        (await client()).send(
          new EncryptCommand({
            KeyId: key,
            Plaintext: plain,
            EncryptionContext: fields(context),
            EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
          }),
        ),
      )
      return Buffer.from(present(key, answer.CiphertextBlob)).toString('base64url')
    },
    async unwrap(wrapped, context) {
      const { DecryptCommand } = await sdk()
      const answer = await ask(key, async () =>
        (await client()).send(
          new DecryptCommand({
            // Named, so that a row with a key of somebody else's account is refused.
            KeyId: key,
            CiphertextBlob: Buffer.from(wrapped, 'base64url'),
            EncryptionContext: fields(context),
            EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
          }),
        ),
      )
      return Buffer.from(present(key, answer.Plaintext))
    },
  }
}

function clientOptions(key: string, { keys, aws }: Pick<Config, 'keys' | 'aws'>) {
  const { accessKeyId, secretAccessKey, sessionToken } = aws
  const region = kmsRegion(key, keys)
  return {
    ...(region === undefined ? {} : { region }),
    ...(keys.kms.url === undefined ? {} : { endpoint: keys.kms.url }),
    // Without a key pair the SDK asks the container or the machine for one.
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
        }),
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
    },
  }
}

const fields = ({ installation, key, purpose }: KeyContext): Record<string, string> => ({
  'wayleave:installation': installation,
  'wayleave:key': key,
  'wayleave:purpose': purpose,
})

function present(key: string, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes !== undefined && bytes.length > 0) return bytes
  throw new KeyEncryptionError(`AWS KMS answered without bytes for ${key}`, { again: true })
}

async function ask<T>(key: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request()
  } catch (cause) {
    throw explain(key, cause)
  }
}

/** What AWS KMS refuses with, and what to do about it; anything else may pass by itself. */
const refusals: Readonly<Record<string, string>> = {
  AccessDeniedException:
    'the caller may not use it: allow kms:Encrypt and kms:Decrypt on it for the identity of this process, in its policy and in that of the identity',
  DisabledException: 'it is disabled: enable it',
  KMSInvalidStateException: 'its state does not allow it: cancel its deletion, or enable it',
  NotFoundException: 'it does not exist in this account and region: check the name and AWS_REGION',
  InvalidKeyUsageException: 'it is not a symmetric key for encryption: name one that is',
  InvalidCiphertextException:
    'it did not wrap this: the row of platform.data_key was altered or is of another installation',
  IncorrectKeyException:
    'another key wrapped this: name that one in WAYLEAVE_KEY_ENCRYPTION_PREVIOUS and run `./wayleave keys rewrap`',
  UnrecognizedClientException:
    'the access key is not known: check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN',
  InvalidSignatureException:
    'the signature does not match: check AWS_SECRET_ACCESS_KEY and the clock of this machine',
  IncompleteSignatureException: 'the signature is not whole: check AWS_ACCESS_KEY_ID',
  ExpiredTokenException: 'the session has ended: give a new AWS_SESSION_TOKEN',
  CredentialsProviderError:
    'there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role',
}

function explain(key: string, cause: unknown): KeyEncryptionError {
  const name = cause instanceof Error ? cause.name : 'an unknown error'
  const refusal = refusals[name]
  if (refusal !== undefined)
    return new KeyEncryptionError(`AWS KMS refuses the key ${key} (${name}): ${refusal}`, {
      again: false,
      cause,
    })
  return new KeyEncryptionError(
    `AWS KMS does not answer for the key ${key} (${name}): check the network to ${key.split(':')[3] ?? 'its region'} and the limits of the account`,
    { again: true, cause },
  )
}
