import type { Command } from '#cli'
import type { Config } from '#platform/config'

/** `wayleave audit …`: what proves that nothing was altered (docs/decisions/0022-evidence.md). */
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
]
