import { Button, Group, Select, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { SandboxHandset, SandboxMessage, SandboxSubscriber } from '#sandbox/schema'
import { May } from '../../../ui/app/may.tsx'
import { Empty, PageTitle, Reading } from '../../../ui/app/parts.tsx'
import { useManaged } from '../../../ui/app/use-managed.ts'
import { timeText } from '../../../ui/format.ts'
import { faultFrom, type List, manage } from '../../../ui/management.ts'

/** The handset is a page of the sandbox's authorization server: there, a browser can be one of the subscribers. */
function OpenHandset(): ReactNode {
  const open = useMutation({
    mutationFn: () => manage<SandboxHandset>('POST', '/sandbox/handset'),
    onSuccess: ({ url }) => window.location.assign(url),
  })
  return (
    <>
      <Button variant="default" loading={open.isPending} onClick={() => open.mutate()}>
        Open the virtual handset
      </Button>
      {open.isError && (
        <Text c="var(--bad)" size="sm" role="alert">
          {faultFrom(open.error).message}
        </Text>
      )}
    </>
  )
}

export function MessagesPage(): ReactNode {
  const [phoneNumber, setPhoneNumber] = useState<string | null>(null)
  const numbers = useManaged<List<SandboxSubscriber>>('/sandbox/subscribers?perPage=100')
  // A phone number never stands in an address, so this reading is a POST.
  const messages = useQuery({
    queryKey: ['messages', phoneNumber],
    queryFn: ({ signal }) =>
      manage<List<SandboxMessage>>(
        'POST',
        '/sandbox/messages/retrieve?perPage=50',
        phoneNumber === null ? {} : { phoneNumber },
        signal,
      ),
    refetchInterval: 3_000,
  })
  return (
    <>
      <PageTitle
        title="Received messages"
        lead="What reached the sandbox’s virtual handsets because of your applications. Nobody else sees it."
      />
      <Group align="flex-end" mb="lg">
        <Select
          label="Handset"
          placeholder="All of them"
          clearable
          clearButtonProps={{ 'aria-label': 'All handsets' }}
          searchable
          data={(numbers.data?.items ?? []).map((n) => ({
            value: n.phoneNumber,
            label: `${n.phoneNumber} · ${n.title}`,
          }))}
          value={phoneNumber}
          onChange={setPhoneNumber}
          w={420}
        />
        <May to="sandbox.use" silent>
          <OpenHandset />
        </May>
      </Group>
      <Reading of={messages}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No messages yet">
              <Text mb="sm">Send a code to a sandbox number: it arrives here a second later.</Text>
              <Button component="a" href="/apis?q=sms" size="sm">
                Find the API
              </Button>
            </Empty>
          ) : (
            <div className="handset" role="log" aria-label="Messages">
              {items.map((message) => (
                <Stack key={message.id} gap={4}>
                  <Text size="xs" c="dimmed">
                    to {message.phoneNumber} · {timeText(message.receivedAt)}
                  </Text>
                  <div className="bubble">{message.text}</div>
                </Stack>
              ))}
            </div>
          )
        }
      </Reading>
    </>
  )
}
