import { Center, Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { Mark } from '../portal/parts/icons.tsx'
import { readPageContext } from '../ui/app/page-context.ts'

/** The frame of the pages before there is a session. */
export function Entrance(options: { title: string; lead: string; children: ReactNode }): ReactNode {
  const { operatorName } = readPageContext()
  useEffect(() => {
    document.title = `${options.title} · ${operatorName}`
  }, [options.title, operatorName])
  return (
    <Center component="main" mih="100vh" p="md">
      <Stack w="100%" maw={420}>
        <Group gap="sm">
          <Mark />
          <Text fw={680}>{operatorName}</Text>
          <Text c="dimmed">operator console</Text>
        </Group>
        <Title order={1} mt="md">
          {options.title}
        </Title>
        <Text c="dimmed">{options.lead}</Text>
        {options.children}
      </Stack>
    </Center>
  )
}
