import { type Command, CommandError } from '#cli'
import { type Config, environments } from '#platform/config'

/** `wayleave keys …`: the keys of the database and what wraps them (docs/guides/keys-at-rest.md). */
export const keyCommands = (config: () => Config): Command[] => [
  {
    name: 'keys list',
    summary: 'list the keys that are kept in the database, without a secret',
    usage: '',
    help: ['Needs the database and what opens its keys.'],
    options: {},
    positionals: [0, 0],
    run: async () => {
      const { runKeysList } = await import('./compose/run-keys.ts')
      return await runKeysList(config())
    },
  },
  {
    name: 'keys status',
    summary: 'tell what wraps the keys, whether it answers, and what is still to be sealed anew',
    usage: '',
    help: ['Exit code 1 when the keys cannot be opened.'],
    options: {},
    positionals: [0, 0],
    run: async () => {
      const { runKeysStatus } = await import('./compose/run-keys.ts')
      return await runKeysStatus(config())
    },
  },
  {
    name: 'keys rotate',
    summary: 'seal with a new data key from now on',
    usage: '',
    help: [
      'Happens by itself after WAYLEAVE_DATA_KEY_DAYS. Nothing is stopped, nothing becomes unreadable; values of the former key are sealed anew in the background.',
      'A key seals only when every process has had the time to learn of it: right after another rotation this waits up to 30 s.',
    ],
    options: {},
    positionals: [0, 0],
    run: async () => {
      const { runKeysRotate } = await import('./compose/run-keys.ts')
      return await runKeysRotate(config())
    },
  },
  {
    name: 'keys rewrap',
    summary: 'wrap the keys with the present key-encryption key, or with a new master key',
    usage: '[--new-key]',
    help: [
      'After a change of WAYLEAVE_KEY_ENCRYPTION (with the former one in WAYLEAVE_KEY_ENCRYPTION_PREVIOUS), of WAYLEAVE_SECRET_KEY, or of the version of a key in Vault. No sealed value is touched.',
      '--new-key makes a new master key in data/secrets/master.key; the former one stays beside it.',
      '',
      'Example: ./wayleave keys rewrap --new-key',
    ],
    options: { 'new-key': { type: 'boolean' } },
    positionals: [0, 0],
    run: async ({ options }) => {
      const { runKeysRewrap } = await import('./compose/run-keys.ts')
      return await runKeysRewrap(config(), options['new-key'] === true)
    },
  },
  {
    name: 'keys rotate-signing',
    summary: 'sign access tokens of an environment with a new key from now on',
    usage: '--environment sandbox|production',
    help: [
      'Happens by itself every 90 days. The key that signs next was published long before, so no token and no call fails, and',
      'nothing is stopped. The former key verifies what it signed for 15 minutes; then it is gone.',
      '',
      'Example: ./wayleave keys rotate-signing --environment sandbox',
    ],
    options: { environment: { type: 'string' } },
    positionals: [0, 0],
    run: async ({ options }) => {
      const environment = environments.find((one) => one === options.environment)
      if (environment === undefined)
        throw new CommandError(`--environment must be ${environments.join(' or ')}`, {
          exitCode: 2,
        })
      const { runRotateSigning } = await import('./compose/run-rotate-signing.ts')
      return await runRotateSigning(config(), environment)
    },
  },
]
