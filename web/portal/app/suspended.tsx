import { Box, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Partner } from '#partners/schema'
import { Notice } from '../../ui/app/parts.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { isolated } from '../../ui/format.ts'

/** Above every page of an organisation that the operator has suspended: what that means, and why. */
export function Suspended({ partnerId }: { partnerId: string }): ReactNode {
  const { data } = useManaged<Partner>(`/partners/${partnerId}`)
  if (data?.state !== 'suspended') return null
  const reason = data.suspendedReason
  return (
    <Box mb="lg">
      <Notice tone="bad">
        <Text fw={650}>Your organisation is suspended</Text>
        <Text>
          No call is answered and no token given until the operator lets it go on. You can read
          everything, and manage your people.
          {reason !== undefined && ` The operator says why: ${isolated(reason)}`}
        </Text>
      </Notice>
    </Box>
  )
}
