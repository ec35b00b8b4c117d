import { Group, Pagination, Table, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { countText } from '../format.ts'

export type Column<T> = {
  title: string
  cell: (row: T) => ReactNode
  number?: boolean
  nowrap?: boolean
}

/**
 * A list with columns. On a phone each row is a block in which every cell stands beside its column's name, so that nothing
 * is out of sight; the roles are said, because a table that is laid out like that is none to every browser.
 */
export function DataTable<T>(options: {
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  rowKey: (row: T) => string
  /** a row that was not there a moment ago */
  isNew?: (row: T) => boolean
  /** stays a table on a phone, too: what is read across and down */
  matrix?: boolean
}): ReactNode {
  const { label, columns, rows, rowKey, isNew, matrix } = options
  const classOf = (column: Column<T>): string =>
    [column.number === true ? 'number' : '', column.nowrap === true ? 'nowrap' : ''].join(' ')
  const shape = matrix === true ? 'table-scroll' : 'table-scroll table-stack'
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard
    <section className={shape} aria-label={`Table: ${label}`} tabIndex={0}>
      <Table verticalSpacing="sm" role="table">
        <Table.Thead role="rowgroup">
          <Table.Tr role="row">
            {columns.map((column) => (
              <Table.Th
                key={column.title}
                scope="col"
                role="columnheader"
                className={classOf(column)}
              >
                {column.title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {rows.map((row) => (
            <Table.Tr
              key={rowKey(row)}
              role="row"
              className={isNew?.(row) === true ? 'row-new' : ''}
            >
              {columns.map((column) => (
                <Table.Td
                  key={column.title}
                  role="cell"
                  className={classOf(column)}
                  data-label={column.title}
                >
                  <div>{column.cell(row)}</div>
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}

export function Pager(options: {
  pagination: { page: number; totalCount: number; totalPages: number }
  onChange: (page: number) => void
}): ReactNode {
  const { page, totalCount, totalPages } = options.pagination
  if (totalPages <= 1) return null
  return (
    <Group justify="space-between" mt="md">
      <Text size="sm" c="dimmed">
        {countText(totalCount)} in all
      </Text>
      <Pagination
        value={page}
        total={totalPages}
        onChange={options.onChange}
        getItemProps={(item) => ({ 'aria-label': `Page ${item}` })}
        getControlProps={(control) => ({ 'aria-label': `${control} page` })}
      />
    </Group>
  )
}
