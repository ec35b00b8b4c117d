import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'
import type { Factors, NewRecoveryCodes } from '#identity/schema'
import { Confirm } from '../confirm.tsx'
import { Copy, Notice } from '../parts.tsx'
import { useChange } from '../use-managed.ts'

/** For the day that the device is lost. Codes are shown when they are made, and never again. */
export function RecoveryCodes(options: {
  factors: Factors
  shown: readonly string[] | undefined
  made: (codes: readonly string[] | undefined) => void
}): ReactNode {
  const { factors, shown, made } = options
  const change = useChange<NewRecoveryCodes>({ done: (answer) => made(answer.recoveryCodes) })
  const protectedBySecond = factors.passkeys.length > 0 || factors.totp !== undefined
  if (!protectedBySecond) return null
  const left = factors.recoveryCodesLeft
  return (
    <section className="card" aria-labelledby="codes">
      <Group justify="space-between" align="flex-start" mb="sm">
        <Title order={2} id="codes">
          Recovery codes
        </Title>
        <Confirm
          // Another round closes the dialog of the one before.
          key={shown?.[0] ?? ''}
          label="Make new codes"
          title="Make new recovery codes?"
          consequence="The codes that you have kept are good no more."
          action="Make new codes"
          sending={change.sending}
          fault={change.fault}
          size="sm"
          confirm={() => change.send({ method: 'POST', path: '/factors/recovery-codes' })}
        />
      </Group>
      {shown === undefined ? (
        <Text c={left < 3 ? 'var(--warn)' : 'dimmed'}>
          {left === 0 ? 'None is left: make new ones.' : `${left} of 10 are left.`} Each signs you
          in once after your password, when the device is lost.
        </Text>
      ) : (
        <NewCodes codes={shown} kept={() => made(undefined)} />
      )}
    </section>
  )
}

function NewCodes({ codes, kept }: { codes: readonly string[]; kept: () => void }): ReactNode {
  const start = useRef<HTMLDivElement>(null)
  useEffect(() => start.current?.focus(), [])
  return (
    <Stack align="flex-start">
      <div ref={start} tabIndex={-1}>
        <Notice tone="warn">
          <Text>
            Keep these where you keep important papers, not on the device. They are shown this once.
          </Text>
        </Notice>
      </div>
      <ul className="code-list" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <Group>
        <Copy value={codes.join('\n')} label="Copy the recovery codes" />
        <Button size="xs" onClick={kept}>
          I have kept them
        </Button>
      </Group>
    </Stack>
  )
}
