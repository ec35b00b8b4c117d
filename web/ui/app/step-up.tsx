import { Modal, Text } from '@mantine/core'
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { Waiting } from './parts.tsx'
import { proveBy } from './prove.ts'

// Most visits never see it, so it is not part of what they load.
const StepUpForm = lazy(async () => ({ default: (await import('./step-up-form.tsx')).StepUpForm }))

/** Asks the person to prove that it is there when a change needs it, over whatever is on the page. */
export function StepUpDialog(): ReactNode {
  const [answer, setAnswer] = useState<(proved: boolean) => void>()
  useEffect(
    () =>
      proveBy(() => {
        const { promise, resolve } = Promise.withResolvers<boolean>()
        setAnswer(() => resolve)
        return promise
      }),
    [],
  )
  const close = (proved: boolean): void => {
    setAnswer(undefined)
    answer?.(proved)
  }
  return (
    <Modal
      opened={answer !== undefined}
      onClose={() => close(false)}
      title={<Text fw={650}>Confirm that it is you</Text>}
      closeButtonProps={{ 'aria-label': 'Close' }}
      zIndex={400}
    >
      <Suspense fallback={<Waiting />}>
        <StepUpForm proved={() => close(true)} cancel={() => close(false)} />
      </Suspense>
    </Modal>
  )
}
