import { Box, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Contract } from '#contracts/schema'
import { quotaLines } from '../quota-warnings.ts'
import { Notice } from './parts.tsx'

/** What is used up of a quota that still runs: for where its owner looks anyway. */
export function QuotaNotice({ contract }: { contract: Contract }): ReactNode {
  // The newest says most: 100 % comes after 80 %.
  const line = quotaLines(contract, new Date()).find(({ now }) => now)
  if (line === undefined) return null
  return (
    <Box mb="md">
      <Notice tone={line.tone}>
        <Text>
          {contract.environment === 'sandbox' ? 'Sandbox' : 'Production'}, {line.text}
        </Text>
      </Notice>
    </Box>
  )
}

/** Every warning that a contract still knows. */
export function QuotaHistory({ contract }: { contract: Contract }): ReactNode {
  const lines = quotaLines(contract, new Date())
  if (lines.length === 0) return null
  return (
    <section className="card" aria-labelledby="quota-warnings">
      <Stack gap="xs">
        <Title order={2} id="quota-warnings">
          Quota warnings
        </Title>
        <ul>
          {lines.map(({ key, text }) => (
            <li key={key}>{text}</li>
          ))}
        </ul>
      </Stack>
    </section>
  )
}
