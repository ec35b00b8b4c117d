import { Anchor, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { isRouteErrorResponse, useRouteError } from 'react-router'

/** What is shown instead of a page that failed, or that is not there. */
export function RouteFault(): ReactNode {
  const error = useRouteError()
  const missing = isRouteErrorResponse(error) && error.status === 404
  return (
    <Stack component="main" p="xl" gap="xs">
      <Title order={1}>{missing ? 'There is no page here' : 'This page failed'}</Title>
      <Text c="dimmed">
        {missing ? 'It may have moved.' : 'Reload it. If it fails again, tell us what you did.'}
      </Text>
      <Text>
        <Anchor href="/app">Your applications</Anchor> · <Anchor href="/">Start page</Anchor>
      </Text>
    </Stack>
  )
}
