import { Anchor, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link, useParams } from 'react-router'
import type { Contract, Plan } from '#contracts/schema'
import type { Partner } from '#partners/schema'
import { limitText } from '../../portal/view-models/plans.ts'
import { EnvironmentPill, Named, Notice, PageTitle, Reading } from '../../ui/app/parts.tsx'
import { QuotaHistory } from '../../ui/app/quota-notices.tsx'
import { useManaged } from '../../ui/app/use-managed.ts'
import { dateText, isolated } from '../../ui/format.ts'
import type { List } from '../../ui/management.ts'
import { ContractLimits } from './contract-limits.tsx'
import { ContractMasks } from './contract-masks.tsx'

export function ContractPage(): ReactNode {
  const { contractId = '' } = useParams()
  const path = `/contracts/${encodeURIComponent(contractId)}`
  const contract = useManaged<Contract>(path)
  const [done, setDone] = useState('')
  return (
    <Reading of={contract} title="Contract">
      {(found) => (
        <>
          <Head contract={found} />
          <Stack gap="lg">
            <div role="status">
              {done !== '' && (
                <Notice tone="good">
                  <Text>{done}</Text>
                </Notice>
              )}
            </div>
            <QuotaHistory contract={found} />
            {found.state === 'ended' ? (
              <Notice tone="warn">
                <Text>This contract has ended. Its terms stay as they were.</Text>
                <Text>{limitText(found.limits)}</Text>
              </Notice>
            ) : (
              <>
                <ContractLimits
                  key={JSON.stringify(found.limits)}
                  contract={found}
                  path={`${path}/limits`}
                  say={setDone}
                />
                <ContractMasks
                  key={JSON.stringify(found.masks)}
                  contract={found}
                  path={`${path}/masks`}
                  say={setDone}
                />
              </>
            )}
          </Stack>
        </>
      )}
    </Reading>
  )
}

function Head({ contract }: { contract: Contract }): ReactNode {
  const partner = useManaged<Partner>(`/partners/${encodeURIComponent(contract.partnerId)}`)
  const plans = useManaged<List<Plan>>('/plans?perPage=100')
  const plan = plans.data?.items.find(({ id }) => id === contract.planId)
  const name = partner.data?.name ?? contract.partnerId
  return (
    <>
      <Text size="sm" mb={4}>
        <Anchor component={Link} to="/console/partners">
          Partners
        </Anchor>{' '}
        /{' '}
        <Anchor component={Link} to={`/console/partners/${contract.partnerId}`}>
          <Named name={name} />
        </Anchor>
      </Text>
      <PageTitle
        title={`Contract of ${isolated(name)}`}
        lead={
          <>
            {plan?.name ?? contract.planId} plan, {contract.state}, since{' '}
            {dateText(contract.startsAt)}, days of {contract.timeZone}
          </>
        }
        actions={<EnvironmentPill environment={contract.environment} />}
      />
    </>
  )
}
