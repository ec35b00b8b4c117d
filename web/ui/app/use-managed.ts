import { type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type Fault, faultFrom, type Method, manage } from '../management.ts'
import { keepPlace } from './keep-place.ts'
import { manageProved } from './prove.ts'

/** Reads one address of the management API; `everyMs` reads it again and again. */
export function useManaged<T>(
  path: string,
  options: { everyMs?: number | false; enabled?: boolean } = {},
): UseQueryResult<T> {
  return useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => manage<T>('GET', path, undefined, signal),
    refetchInterval: options.everyMs ?? false,
    enabled: options.enabled ?? true,
    placeholderData: (before) => before,
  })
}

const shownAfterMs = 60

type Change = { method: Method; path: string; body?: unknown }

/** A change, with a proof that the person is there when one is needed; when it is done, everything that is shown is read again. */
export function useChange<T = void>(options: {
  done?: (answer: T) => void
  failed?: (fault: Fault) => void
}): {
  send: (change: Change) => void
  sending: boolean
  fault: Fault | undefined
  clear: () => void
} {
  const client = useQueryClient()
  const mutation = useMutation({
    mutationFn: ({ method, path, body }: Change) => manageProved<T>(method, path, body),
    onSuccess: async (answer) => {
      options.done?.(answer)
      await client.invalidateQueries()
    },
    onError: (error) => options.failed?.(faultFrom(error)),
    // Once the answer is on the page, and a dialog that it closed has given the focus back.
    onSettled: (_, error) => {
      setTimeout(() => keepPlace(document, error !== null), shownAfterMs)
    },
  })
  return {
    send: (change) => mutation.mutate(change),
    sending: mutation.isPending,
    fault: mutation.error === null ? undefined : faultFrom(mutation.error),
    clear: mutation.reset,
  }
}
