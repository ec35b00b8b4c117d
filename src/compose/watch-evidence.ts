import { Gauge, type Registry } from 'prom-client'
import { ContradictionError, type createAudit, SinkError } from '#audit'
import type { Platform } from '#platform/module'

/** How often a sink that does not answer is told of again. */
const repeatMs = 300_000

/** Signs and exports checkpoints, and tells when somebody has to look. */
export function watchEvidence(
  { clock, log }: Pick<Platform, 'clock' | 'log'>,
  audit: Pick<ReturnType<typeof createAudit>, 'checkpoint' | 'state'>,
  registry: Registry,
): { sign(): Promise<void>; look(): Promise<void> } {
  const contradicted = new Gauge({
    name: 'wayleave_evidence_contradiction',
    help: '1 while the log of evidence is not what was signed or exported: nothing is signed until somebody has looked.',
    registers: [registry],
  })
  const unsigned = new Gauge({
    name: 'wayleave_evidence_unsigned_leaves',
    help: 'Leaves of the log that no checkpoint covers yet.',
    registers: [registry],
  })
  const age = new Gauge({
    name: 'wayleave_evidence_checkpoint_age_seconds',
    help: 'How long ago the newest checkpoint was signed.',
    registers: [registry],
  })
  const owed = new Gauge({
    name: 'wayleave_evidence_sink_owed_checkpoints',
    help: 'Signed checkpoints that a place outside the database was not given yet.',
    labelNames: ['sink'],
    registers: [registry],
  })
  const lag = new Gauge({
    name: 'wayleave_evidence_sink_lag_seconds',
    help: 'How long the oldest of them waits.',
    labelNames: ['sink'],
    registers: [registry],
  })
  contradicted.set(0)
  let told = { message: '', at: 0 }
  const tell = (error: ContradictionError | SinkError): void => {
    const now = clock.now().getTime()
    if (error.message === told.message && now - told.at < repeatMs) return
    told = { message: error.message, at: now }
    if (error instanceof ContradictionError) log.error({ err: error }, error.message)
    else log.warn({ reason: error.message }, 'checkpoints wait for a place outside the database')
  }
  return {
    async sign() {
      try {
        await audit.checkpoint()
        told = { message: '', at: 0 }
      } catch (error) {
        if (!(error instanceof ContradictionError || error instanceof SinkError)) throw error
        if (error instanceof ContradictionError) contradicted.set(1)
        tell(error)
      }
    },
    async look() {
      const now = clock.now().getTime()
      const { leaves, newest, contradiction, sinks } = await audit.state()
      contradicted.set(contradiction === undefined ? 0 : 1)
      if (contradiction !== undefined) tell(new ContradictionError(contradiction))
      unsigned.set(Math.max(0, leaves - (newest?.size ?? 0)))
      if (newest !== undefined) age.set((now - newest.madeAt.getTime()) / 1_000)
      for (const sink of sinks) {
        const since = sink.owedSince?.getTime() ?? now
        owed.set({ sink: sink.name }, sink.owed)
        lag.set({ sink: sink.name }, Math.max(0, now - since) / 1_000)
      }
    },
  }
}
