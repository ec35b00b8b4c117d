import { type Command, CommandError } from '#cli'
import type { Config } from '#platform/config'

/** `wayleave audit …`: what proves that nothing was altered (docs/guides/evidence.md). */
export const auditCommands = (config: () => Config): Command[] => [
  {
    name: 'audit verify',
    summary: 'prove that the evidence is as it was written and signed',
    usage: '[--checkpoints <folder>]',
    help: [
      'Walks every entry, leaf and node of the log in the database, and compares it with every checkpoint that was signed',
      'and exported. Exit code 1 when something does not hold; the first bad place is told.',
      '--checkpoints names another copy of the exported checkpoints (default: WAYLEAVE_EVIDENCE_DIR).',
      '',
      'Example: ./wayleave audit verify --checkpoints /mnt/auditor/evidence --json',
    ],
    options: { checkpoints: { type: 'string' } },
    positionals: [0, 0],
    run: async ({ options }) => {
      const { runAuditVerify } = await import('./compose/run-audit.ts')
      return await runAuditVerify(
        config(),
        typeof options.checkpoints === 'string' ? options.checkpoints : undefined,
      )
    },
  },
  {
    name: 'audit rotate-log-key',
    summary: 'sign the evidence with a new key from now on',
    usage: '',
    help: [
      'The former key stays to verify what it signed, and signs a checkpoint with the leaf that names the new one: who trusts',
      'one key of the log can follow it to all later ones. Publish the new key afterwards. Nothing is stopped.',
    ],
    options: {},
    positionals: [0, 0],
    run: async () => {
      const { runRotateLogKey } = await import('./compose/run-audit.ts')
      return await runRotateLogKey(config())
    },
  },
  {
    name: 'audit export',
    summary:
      'write one file that proves one call or action, for who has no access to this installation',
    usage: '--exchange <exc_… or x-correlator> | --action evt_… | --leaf <position> [--out <file>]',
    help: [
      'The file holds the records with their places in the log, the signed checkpoint, the public key and an explanation. For',
      'a call it answers why: contract, token, purpose, consent with the text that was shown, rules, masked fields. A name that',
      'ends in .html makes it a page. It is verified with `./wayleave audit verify-bundle`, or offline with',
      'src/audit/verify.mjs, which needs only Node 20.',
      'The id of an action stands in the console and in GET /management/v1/audit-events.',
      '',
      'Example: ./wayleave audit export --exchange exc_0mf3k2x9ab7c1d5e9f2g --out why.html',
    ],
    options: {
      exchange: { type: 'string' },
      action: { type: 'string' },
      leaf: { type: 'string' },
      out: { type: 'string' },
    },
    positionals: [0, 0],
    run: async ({ options: { exchange, action, leaf, out } }) => {
      const given = [exchange, action, leaf].filter((one) => typeof one === 'string')
      if (given.length !== 1)
        throw new CommandError(
          'one of --exchange exc_…, --action evt_… and --leaf <position> is required',
          { exitCode: 2 },
        )
      if (typeof leaf === 'string' && !/^\d{1,15}$/.test(leaf))
        throw new CommandError('--leaf must be a position, from 0 on', { exitCode: 2 })
      const { runAuditExport } = await import('./compose/run-audit.ts')
      return await runAuditExport(
        config(),
        typeof exchange === 'string'
          ? { exchange }
          : typeof action === 'string'
            ? { kind: 'action', id: action }
            : { position: Number(leaf) },
        typeof out === 'string' ? out : undefined,
      )
    },
  },
  {
    name: 'audit export-period',
    summary: 'write one file that proves every call about a person that a partner made in a time',
    usage: '--partner prt_… --from <time> --to <time> --out <file.jsonl>',
    help: [
      'Each line is what `audit export --exchange` writes, without its page; the last one seals how many there are, so a line',
      'that is taken away is found. At most 400 days at a time. It is verified as any exported file.',
      '',
      'Example: ./wayleave audit export-period --partner prt_0mwqgby78rv3d0lligxq --from 2026-11-01 --to 2026-12-01 --out november.jsonl',
    ],
    options: {
      partner: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      out: { type: 'string' },
    },
    positionals: [0, 0],
    run: async ({ options: { partner, from, to, out } }) => {
      if (typeof partner !== 'string' || typeof out !== 'string')
        throw new CommandError('--partner prt_… and --out <file.jsonl> are required', {
          exitCode: 2,
        })
      const period = { partnerId: partner, from: momentOf('from', from), to: momentOf('to', to) }
      const days = (period.to.getTime() - period.from.getTime()) / 86_400_000
      if (!(days > 0 && days <= 400))
        throw new CommandError('--to must be after --from, by 400 days at most', { exitCode: 2 })
      const { runAuditExportPeriod } = await import('./compose/run-audit.ts')
      return await runAuditExportPeriod(config(), period, out)
    },
  },
  {
    name: 'audit verify-bundle',
    summary: 'verify a file that audit export or export-period wrote; needs no database',
    usage: '<file> [--key <public key>] [--checkpoints <file.jsonl>]',
    help: [
      'Exit code 1 when anything in the file does not hold. Give the public key that the operator published, or the',
      'exported checkpoints, got on another way than the file: without them the file proves only that it is whole.',
      'The same without an installation: node verify.mjs <file>.',
      '',
      'Example: ./wayleave audit verify-bundle evidence.json --checkpoints data/evidence/checkpoints.jsonl',
    ],
    options: { key: { type: 'string' }, checkpoints: { type: 'string' } },
    positionals: [1, 1],
    run: async ({ options: { key, checkpoints }, positionals: [file = ''] }) => {
      const { runVerifyBundle } = await import('./compose/run-audit.ts')
      return runVerifyBundle(file, {
        key: typeof key === 'string' ? key : undefined,
        checkpoints: typeof checkpoints === 'string' ? checkpoints : undefined,
      })
    },
  },
]

const dayOrMoment = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/** A day, which begins at midnight UTC, or a moment with its time zone. No day that the calendar does not have. */
function momentOf(name: string, text: unknown): Date {
  const [whole = '', day = ''] = dayOrMoment.exec(String(text)) ?? []
  const [moment, midnight] = [new Date(whole), new Date(day)]
  if (Number.isNaN(moment.getTime()) || midnight.toJSON()?.startsWith(day) !== true)
    throw new CommandError(
      `--${name} must be a day or a moment, such as 2026-11-21 or 2026-11-21T10:00:00Z`,
      { exitCode: 2 },
    )
  return moment
}
