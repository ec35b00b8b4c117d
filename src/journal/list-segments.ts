import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'

/**
 * A segment file of any gateway in a journal folder.
 * @public
 */
export type SegmentFile = {
  gatewayId: string
  boot: string
  sequence: number
  path: string
  /** `waiting` is open, or sealed and not yet acknowledged */
  place: 'waiting' | 'shipped' | 'quarantine'
}

export const segmentName = (sequence: number): string => `${String(sequence).padStart(10, '0')}.wlj`

/**
 * Every segment below a journal folder, oldest first within a gateway, for recovery and reconciliation.
 * @public
 */
export function listSegments(folder: string): SegmentFile[] {
  return foldersIn(folder).flatMap((gatewayId) =>
    segmentsOf(path.join(folder, gatewayId), gatewayId),
  )
}

export function segmentsOf(home: string, gatewayId: string): SegmentFile[] {
  const places = [
    { place: 'waiting', root: home },
    { place: 'shipped', root: path.join(home, 'shipped') },
    { place: 'quarantine', root: path.join(home, 'quarantine') },
  ] as const
  return places
    .flatMap(({ place, root }) =>
      foldersIn(root).flatMap((boot) =>
        readdirSync(path.join(root, boot))
          .filter((name) => /^\d{10}\.wlj$/.test(name))
          .map((name) => ({
            gatewayId,
            boot,
            sequence: Number(name.slice(0, 10)),
            path: path.join(root, boot, name),
            place,
          })),
      ),
    )
    .sort((a, b) => (a.boot === b.boot ? a.sequence - b.sequence : a.boot < b.boot ? -1 : 1))
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['shipped', 'quarantine'].includes(entry.name))
    .map((entry) => entry.name)
    .sort()
}
