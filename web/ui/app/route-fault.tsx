import { Anchor, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { isRouteErrorResponse, type RouteObject, useRouteError } from 'react-router'
import { PageTitle } from './parts.tsx'

const failed = {
  title: 'This page failed',
  lead: 'Reload it. If it fails again, tell us what you did.',
}
const missing = { title: 'There is no page here', lead: 'It may have moved.' }

const wordsOf = (error: unknown) =>
  isRouteErrorResponse(error) && error.status === 404 ? missing : failed

/** What is shown instead of everything when not even the frame is there. */
export function RouteFault(): ReactNode {
  const { title, lead } = wordsOf(useRouteError())
  const isConsole = location.pathname.startsWith('/console')
  useEffect(() => {
    document.title = title
  }, [title])
  return (
    <Stack component="main" p="xl" gap="xs">
      <Title order={1}>{title}</Title>
      <Text c="dimmed">{lead}</Text>
      <Text>
        {isConsole ? (
          <Anchor href="/console">Operator console</Anchor>
        ) : (
          <Anchor href="/app">Your applications</Anchor>
        )}{' '}
        · <Anchor href="/">Start page</Anchor>
      </Text>
    </Stack>
  )
}

const PageFault = (): ReactNode => <PageTitle {...wordsOf(useRouteError())} />
const MissingPage = (): ReactNode => <PageTitle {...missing} />

/** The pages of a frame, which stays around one that fails and around an address that no page has. */
export const inFrame = (pages: RouteObject[]): RouteObject[] => [
  {
    ErrorBoundary: PageFault,
    children: [...pages, { path: '*', Component: MissingPage }],
  },
]
