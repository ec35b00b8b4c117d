import type { ReactNode } from 'react'
import type { ApiHead } from '#portal/schema'

export function Method({ method }: { method: string }): ReactNode {
  return <span className={`method method-${method.toLowerCase()}`}>{method}</span>
}

const lifecycleText: Record<ApiHead['lifecycle'], string> = {
  draft: 'Draft',
  published: 'Available',
  deprecated: 'Deprecated',
  retired: 'Retired',
}

export function Lifecycle({ lifecycle }: { lifecycle: ApiHead['lifecycle'] }): ReactNode {
  const tone = lifecycle === 'published' ? 'good' : lifecycle === 'draft' ? 'quiet' : 'warn'
  return <span className={`badge badge-${tone}`}>{lifecycleText[lifecycle]}</span>
}

export function Status({ status }: { status: string }): ReactNode {
  const kind = status.startsWith('2') ? 'good' : status.startsWith('5') ? 'bad' : 'warn'
  return <span className={`status status-${kind}`}>{status}</span>
}

const retryText = {
  no: 'Do not repeat: change the request first',
  yes: 'Repeat after reading again',
  later: 'Repeat later, with increasing pauses',
} as const

export const retryAdvice = (retry: keyof typeof retryText): string => retryText[retry]
