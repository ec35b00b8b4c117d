import { Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import type { ApiToken, NewTokenResult } from '#identity/schema'
import { agoText, dateText } from '../../format.ts'
import type { List } from '../../management.ts'
import { endText, scopeText } from '../../token-scopes.ts'
import { Confirm } from '../confirm.tsx'
import { DataTable } from '../data-table.tsx'
import { useSignedIn } from '../may.tsx'
import { Empty, Notice, PageTitle, Reading, Value } from '../parts.tsx'
import { useChange, useManaged } from '../use-managed.ts'
import { MakeToken } from './make-token.tsx'

/** API tokens that somebody keeps; the same page for members and for staff. */
export function TokensPage(): ReactNode {
  const session = useSignedIn()
  const tokens = useManaged<List<ApiToken>>('/tokens?perPage=100')
  const [made, setMade] = useState<NewTokenResult>()
  return (
    <>
      <PageTitle
        title="API tokens"
        lead="For programs that use the management API in your name. A token may do what its scopes say, and never more than you may at that moment."
        actions={<MakeToken made={setMade} />}
      />
      {made !== undefined && <Made token={made} />}
      <Reading of={tokens}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No tokens yet">
              Make one for each program, with just the scopes that it needs.
            </Empty>
          ) : (
            <DataTable
              label="API tokens"
              rows={items}
              rowKey={({ id }) => id}
              columns={[
                {
                  title: 'Name',
                  cell: (token) => (
                    <>
                      <Text size="sm" fw={600}>
                        {token.name}
                      </Text>
                      <Text size="xs" c="dimmed">
                        <code>{token.hint}…</code>
                        {token.createdBy !== session.id && ` · made by ${token.createdBy}`}
                      </Text>
                    </>
                  ),
                },
                { title: 'May', cell: ({ scopes }) => scopeText(scopes) },
                { title: 'Made', cell: ({ createdAt }) => dateText(createdAt), nowrap: true },
                {
                  title: 'Ends',
                  cell: ({ expiresAt }) => endText(expiresAt, new Date()),
                  nowrap: true,
                },
                {
                  title: 'Last used',
                  cell: ({ lastUsedAt }) =>
                    lastUsedAt === undefined ? 'not yet' : agoText(lastUsedAt, new Date()),
                  nowrap: true,
                },
                { title: 'End', cell: (token) => <EndToken token={token} /> },
              ]}
            />
          )
        }
      </Reading>
    </>
  )
}

function Made({ token }: { token: NewTokenResult }): ReactNode {
  return (
    <section className="card" aria-label="The new token">
      <Notice tone="warn">
        <Text>Copy the token now: it is shown this once.</Text>
      </Notice>
      <Value label={`Token ${token.name}`} value={token.token} />
    </section>
  )
}

function EndToken({ token }: { token: ApiToken }): ReactNode {
  const change = useChange({})
  return (
    <Confirm
      label="End"
      title={`End ${token.name}?`}
      consequence="Programs that use it are refused from the next call on."
      action="End token"
      sending={change.sending}
      fault={change.fault}
      confirm={() => change.send({ method: 'DELETE', path: `/tokens/${token.id}` })}
    />
  )
}
