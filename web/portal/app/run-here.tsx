import { Button, Group, Text } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import type { Application } from '#partners/schema'
import type { TryItResult } from '#portal/schema'
import type { PageContext } from '../../ui/app/page-context.ts'
import { CodeBox, StatusCode } from '../../ui/app/parts.tsx'
import { useChange } from '../../ui/app/use-managed.ts'
import { prettyBody, roundMs, verdictOf } from '../view-models/try-it.ts'

/** The first call from this page, as the reader's own application. */
export function RunHere(options: {
  application: Application
  call: NonNullable<PageContext['firstCall']>
}): ReactNode {
  const { application, call } = options
  const [result, setResult] = useState<TryItResult>()
  const change = useChange<TryItResult>({ done: setResult })
  const verdict = result === undefined ? undefined : verdictOf(result)
  return (
    <>
      <Group>
        <Button
          variant="default"
          leftSection={<IconPlayerPlay size={16} />}
          loading={change.sending}
          onClick={() =>
            change.send({
              method: 'POST',
              path: '/try-it',
              body: {
                apiId: call.apiId,
                operationId: call.operationId,
                applicationId: application.id,
                ...(call.body === undefined ? {} : { body: call.body }),
              },
            })
          }
        >
          Run here
        </Button>
        <Text size="sm" role="status">
          {change.fault?.message}
          {result?.call !== undefined && (
            <>
              token <StatusCode status={result.token.status} /> {roundMs(result.token.ms)}, call{' '}
              <StatusCode status={result.call.status} /> {roundMs(result.call.ms)}
            </>
          )}
          {result !== undefined && result.call === undefined && verdict?.headline}
        </Text>
      </Group>
      {result?.call !== undefined && <CodeBox code={prettyBody(result.call.body)} label="Answer" />}
    </>
  )
}
