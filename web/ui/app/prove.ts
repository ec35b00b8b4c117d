import { ManagementError, type Method, manage } from '../management.ts'

type Asker = () => Promise<boolean>
let ask: Asker | undefined

/** The dialog that proofs are asked for by; there is one on each signed-in page. */
export function proveBy(asker: Asker): () => void {
  ask = asker
  return () => {
    if (ask === asker) ask = undefined
  }
}

/**
 * As `manage`, for changes: when the server wants a proof first that the person is there, the page asks for it and
 * sends the very same again.
 * @throws ManagementError of the first answer when the person gives no proof
 */
export async function manageProved<T>(method: Method, path: string, body?: unknown): Promise<T> {
  try {
    return await manage<T>(method, path, body)
  } catch (error) {
    if (!(error instanceof ManagementError) || error.fault.code !== 'STEP_UP_REQUIRED') throw error
    if (ask === undefined || !(await ask())) throw notProved(error)
    return await manage<T>(method, path, body)
  }
}

/** The server explains it to programs; a person only needs to know that nothing happened. */
const notProved = (error: ManagementError): ManagementError =>
  new ManagementError(
    { ...error.fault, message: 'Nothing was changed: this needs you to confirm that it is you.' },
    { cause: error },
  )
