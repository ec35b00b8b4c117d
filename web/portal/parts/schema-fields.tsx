import type { ReactNode } from 'react'
import { type SchemaRow, schemaRows } from '../view-models/schema-rows.ts'
import { Markdown } from './markdown.tsx'

/** The fields of a body, in the order of the document; what belongs to an object is set in below it. */
export function SchemaFields(options: {
  schema: unknown
  schemas: Readonly<Record<string, unknown>>
  label: string
}): ReactNode {
  const rows = schemaRows(options.schema, options.schemas)
  if (rows.length === 0) return <p className="quiet">No fields.</p>
  return (
    <ul className="fields" aria-label={options.label}>
      {rows.map((row) => (
        <Field key={row.path} row={row} />
      ))}
    </ul>
  )
}

function Field({ row }: { row: SchemaRow }): ReactNode {
  return (
    <li className={`depth-${Math.min(row.depth, 6)}`}>
      <p className="field-head">
        {row.choice !== undefined && <span className="choice">{row.choice}</span>}
        <code>{row.name}</code>
        <span className="type">{row.type}</span>
        {row.required && <span className="required">required</span>}
        {row.readOnly && <span className="type">read only</span>}
        {row.writeOnly && <span className="type">write only</span>}
        {row.deprecated && <span className="badge badge-warn">deprecated</span>}
      </p>
      {row.description !== '' && <Markdown source={row.description} shift={4} />}
      {row.allowed.length > 0 && (
        <p className="allowed">
          One of{' '}
          {row.allowed.map((value) => (
            <code key={value}>{value}</code>
          ))}
        </p>
      )}
      {(row.constraints.length > 0 || row.example !== undefined) && (
        <p className="constraints">
          {row.constraints.join(' · ')}
          {row.constraints.length > 0 && row.example !== undefined && ' · '}
          {row.example !== undefined && (
            <>
              for example <code>{row.example}</code>
            </>
          )}
        </p>
      )}
    </li>
  )
}
