import type { ContractEntry } from '#snapshot'
import type { ContractQuota } from './contract-quota.ts'
import type { LimitNode } from './limit-node.ts'
import type { LimitSlots } from './limit-slots.ts'
import type { LimitWindow } from './limit-window.ts'

/**
 * The RateLimit-Policy field (draft-ietf-httpapi-ratelimit-headers): a list of structured items, each limit under a name
 * of its own, with its quota `q` and its window `w` in seconds where that is a whole number.
 */
export function policyField(contract: ContractEntry, windows: readonly LimitWindow[]): string {
  const items = windows.map(({ name, limit, windowMs }) => {
    const seconds = windowMs % 1_000 === 0 ? `;w=${windowMs / 1_000}` : ''
    return `${quoted(name)};q=${limit}${seconds}`
  })
  const { concurrency, quota } = contract
  if (concurrency !== undefined)
    items.push(`"concurrency";q=${concurrency};qu="concurrent-requests"`)
  if (quota !== undefined)
    items.push(`"quota";q=${quota.limit};w=${quota.period === 'day' ? 86_400 : 2_592_000}`)
  return items.join(', ')
}

/** The RateLimit field: of each limit what is left, `r`, and after how many seconds there may be more, `t`. */
export function remainderField(
  use: { contract: ContractEntry; quota: ContractQuota | undefined; slots: LimitSlots },
  node: LimitNode,
  windows: readonly LimitWindow[],
  nowMs: number,
  wallMs: number,
): string {
  let text = ''
  for (const window of windows) {
    const seconds = Math.ceil(window.untilNextMs(node, nowMs) / 1_000)
    text += `${text === '' ? '' : ', '}${quoted(window.name)};r=${window.remaining(node, nowMs)};t=${seconds}`
  }
  const { contract, quota, slots } = use
  if (contract.concurrency !== undefined)
    text += `${text === '' ? '' : ', '}"concurrency";r=${slots.remaining(node, nowMs)}`
  if (quota !== undefined)
    text += `${text === '' ? '' : ', '}"quota";r=${quota.remaining(wallMs)};t=${Math.ceil(quota.untilResetMs(wallMs) / 1_000)}`
  return text
}

/** Names are made of API ids and numbers: nothing in them has to be escaped in a structured string (RFC 9651). */
const quoted = (name: string): string => `"${name}"`
