import { useEffect, useRef, useState } from 'react'
import type { LiveCall, LiveSource } from '#monitoring/schema'
import { query } from '../../ui/management.ts'
import { type Filter, merged, mostRows, type Row, rowOfLive } from '../view-models/live-calls.ts'

const showEveryMs = 250
const reconnectMs = 3_000

export type LiveCalls = {
  rows: readonly Row[]
  /** those that came while the page was open */
  fresh: ReadonlySet<string>
  /** calls that came while it was paused */
  waiting: number
  lost: number
  sources: readonly LiveSource[]
  open: boolean
}

const nothing: LiveCalls = {
  rows: [],
  fresh: new Set(),
  waiting: 0,
  lost: 0,
  sources: [],
  open: false,
}

/**
 * The calls of the gateways as they happen. They are shown four times a second, however many come; while it is paused
 * they wait, the oldest falling out.
 */
export function useLiveCalls(filter: Filter, paused: boolean): LiveCalls {
  const [live, setLive] = useState(nothing)
  const arrived = useRef<Row[]>([])
  const held = useRef(paused)
  held.current = paused
  const address = `/management/v1/exchanges/live${query(filter)}`

  useEffect(() => {
    setLive(nothing)
    arrived.current = []
    let source: EventSource | undefined
    let again: ReturnType<typeof setTimeout> | undefined
    const connect = (): void => {
      source = new EventSource(address)
      source.addEventListener('open', () => setLive((before) => ({ ...before, open: true })))
      source.addEventListener('error', () => {
        setLive((before) => ({ ...before, open: false, sources: [] }))
        // The browser comes back by itself, but not after an answer that is no stream.
        if (source?.readyState === EventSource.CLOSED) again = setTimeout(connect, reconnectMs)
      })
      source.addEventListener('call', (event) => {
        arrived.current.push(rowOfLive(JSON.parse(event.data as string) as LiveCall))
        if (arrived.current.length > mostRows) arrived.current.shift()
      })
      source.addEventListener('lost', (event) => {
        const { count } = JSON.parse(event.data as string) as { count: number }
        setLive((before) => ({ ...before, lost: before.lost + count }))
      })
      source.addEventListener('gateways', (event) => {
        const sources = JSON.parse(event.data as string) as LiveSource[]
        setLive((before) => ({ ...before, sources }))
      })
    }
    const show = setInterval(() => {
      const rows = arrived.current
      if (rows.length === 0) return
      if (held.current) {
        setLive((before) =>
          before.waiting === rows.length ? before : { ...before, waiting: rows.length },
        )
        return
      }
      arrived.current = []
      setLive((before) => ({
        ...before,
        waiting: 0,
        rows: merged(before.rows, rows),
        fresh: new Set(rows.map(({ id }) => id)),
      }))
    }, showEveryMs)
    connect()
    return () => {
      clearInterval(show)
      clearTimeout(again)
      source?.close()
    }
  }, [address])
  return live
}
