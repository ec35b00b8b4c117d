import MiniSearch from 'minisearch'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { createRoot } from 'react-dom/client'
import type { SearchEntry } from '#portal/schema'
import { searchOptions, wordsOf } from '../view-models/search.ts'

let open: (() => void) | undefined

/** Opens the palette; the first time it also fetches the index. */
export async function openSearch(): Promise<void> {
  if (open === undefined) {
    const response = await fetch('/search.json', { headers: { accept: 'application/json' } })
    const entries = (await response.json()) as SearchEntry[]
    const index = new MiniSearch<SearchEntry>(searchOptions)
    index.addAll(
      entries.map((entry) => ({ ...entry, text: `${entry.text} ${wordsOf(entry.title)}` })),
    )
    const host = document.createElement('div')
    document.body.append(host)
    const byId = new Map(entries.map((entry) => [entry.id, entry]))
    await new Promise<void>((resolve) => {
      createRoot(host).render(
        <Palette
          entries={entries}
          search={(text) =>
            index.search(text).flatMap(({ id }) => {
              const entry = byId.get(String(id))
              return entry === undefined ? [] : [entry]
            })
          }
          ready={(show) => {
            open = show
            resolve()
          }}
        />,
      )
    })
  }
  open?.()
}

function Palette(options: {
  entries: SearchEntry[]
  search: (text: string) => SearchEntry[]
  ready: (show: () => void) => void
}): ReactNode {
  const { entries, search, ready } = options
  const dialog = useRef<HTMLDialogElement>(null)
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: told once, when the dialog exists
  useEffect(() => {
    ready(() => {
      setText('')
      setActive(0)
      dialog.current?.showModal()
    })
  }, [])
  const found =
    text.trim() === ''
      ? entries.filter((e) => e.kind === 'API' || e.kind === 'Guide').slice(0, 8)
      : search(text).slice(0, 12)
  const chosen = Math.min(active, found.length - 1)
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label="Search"
      onClick={(event) => {
        if (event.target === event.currentTarget) dialog.current?.close()
      }}
      onKeyDown={(event) => {
        if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
          event.preventDefault()
          const step = event.key === 'ArrowDown' ? 1 : -1
          setActive((chosen + step + found.length) % Math.max(1, found.length))
        }
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const entry = found[chosen]
          if (entry !== undefined) location.assign(entry.url)
        }}
      >
        <input
          type="search"
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-autocomplete="list"
          {...(found[chosen] === undefined ? {} : { 'aria-activedescendant': `palette-${chosen}` })}
          aria-label="Search APIs, operations and error codes"
          placeholder="API, operation or error code"
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setActive(0)
          }}
        />
      </form>
      <div id="palette-list" role="listbox" aria-label="Results" className="palette-list">
        {found.map((entry, index) => (
          <a
            key={entry.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === chosen}
            tabIndex={-1}
            href={entry.url}
            className={index === chosen ? 'hit hit-active' : 'hit'}
          >
            <span className="hit-kind">{entry.kind}</span>
            <span className="hit-title">{entry.title}</span>
          </a>
        ))}
      </div>
      <p className="palette-foot" role="status">
        {text.trim() !== '' && found.length === 0
          ? `Nothing found for “${text}”.`
          : '↑ ↓ to choose, Enter to open, Esc to close'}
      </p>
    </dialog>
  )
}
