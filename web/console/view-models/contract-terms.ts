import type { ContractLimits, ContractMask, NewLimits } from '#contracts/schema'

/** A number field as it is typed: empty is nothing. */
export type Typed = number | ''

export type LimitsForm = {
  rate: { key: number; limit: Typed; windowSeconds: Typed }[]
  quota: Typed
  period: 'day' | 'month'
  spike: Typed
  spikeMs: Typed
  concurrency: Typed
}

export const mostRates = 4

export function limitsForm(limits: ContractLimits): LimitsForm {
  return {
    rate: limits.rate.map((one, key) => ({ key, ...one })),
    quota: limits.quota?.limit ?? '',
    period: limits.quota?.period ?? 'day',
    spike: limits.spike?.limit ?? '',
    spikeMs: limits.spike?.windowMs ?? '',
    concurrency: limits.concurrency ?? '',
  }
}

/** The body that the form means; what is empty is not limited, and what is half filled the server refuses. */
export function limitsBody(form: LimitsForm): NewLimits {
  const { quota, period, spike, spikeMs, concurrency } = form
  // An empty number is sent as nothing, so that the server names the field that is missing.
  const number = (value: Typed): number => (value === '' ? Number.NaN : value)
  return {
    rate: form.rate.map((one) => ({
      limit: number(one.limit),
      windowSeconds: number(one.windowSeconds),
    })),
    ...(quota !== '' && { quota: { limit: quota, period } }),
    ...((spike !== '' || spikeMs !== '') && {
      spike: { limit: number(spike), windowMs: number(spikeMs) },
    }),
    ...(concurrency !== '' && { concurrency }),
  }
}

export type MaskRow = {
  key: number
  apiId: string
  field: string
  action: ContractMask['action']
  gridMetres: Typed
}

export const masksForm = (masks: readonly ContractMask[]): MaskRow[] =>
  masks.map((mask, key) => ({ key, gridMetres: '', ...mask }))

export const masksBody = (rows: readonly MaskRow[]): { masks: ContractMask[] } => ({
  masks: rows.map(({ key: _, gridMetres, ...mask }) => ({
    ...mask,
    field: mask.field.trim(),
    ...(mask.action === 'coarsen' && gridMetres !== '' && { gridMetres }),
  })),
})

export const actionText: Readonly<Record<ContractMask['action'], string>> = {
  remove: 'leave it out',
  mask: 'make it unreadable',
  hash: 'replace it by a hash',
  coarsen: 'make it less exact',
  pass: 'let it pass',
}

/** The next key of a list whose rows come and go. */
export const nextKey = (rows: readonly { key: number }[]): number =>
  Math.max(-1, ...rows.map(({ key }) => key)) + 1
