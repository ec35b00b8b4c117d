/**
 * The management API, as the pages use it: same origin, JSON, the standard's error model.
 */
export type Fault = {
  status: number
  code: string
  message: string
  violations: { path: string; message: string }[]
}

export class ManagementError extends Error {
  readonly fault: Fault
  constructor(fault: Fault, options?: ErrorOptions) {
    super(fault.message, options)
    this.name = 'ManagementError'
    this.fault = fault
  }
}

const base = '/management/v1'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * @returns the body of the answer, `undefined` for an answer without one
 * @throws ManagementError for every refusal, and when the server cannot be reached (status 0)
 */
export async function manage<T>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  }
  if (body !== undefined) init.body = JSON.stringify(body)
  if (signal !== undefined) init.signal = signal
  const response = await reach(`${base}${path}`, init)
  const text = await response.text()
  const answer = parse(text)
  if (response.ok) return answer as T
  throw new ManagementError(faultOf(response.status, answer, response.headers.get('retry-after')))
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ManagementError(
      {
        status: 0,
        code: 'UNREACHABLE',
        message: 'The server cannot be reached. Check the connection and try again.',
        violations: [],
      },
      { cause: error },
    )
  }
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function faultOf(status: number, answer: unknown, retryAfter: string | null): Fault {
  const body = typeof answer === 'object' && answer !== null ? answer : {}
  const read = (name: string): unknown => (body as Record<string, unknown>)[name]
  const message = read('message')
  const code = read('code')
  const violations = read('violations')
  return {
    status,
    code: typeof code === 'string' ? code : `HTTP_${status}`,
    message:
      typeof message === 'string'
        ? message
        : status === 429
          ? `Too many attempts. Try again in ${retryAfter ?? 'a few'} seconds.`
          : `The server answered ${status}.`,
    violations: Array.isArray(violations) ? (violations as Fault['violations']) : [],
  }
}

export function faultFrom(error: unknown): Fault {
  if (error instanceof ManagementError) return error.fault
  return {
    status: 0,
    code: 'UNEXPECTED',
    message: 'Something failed on this page. Reload it and try again.',
    violations: [],
  }
}

/** Whether the same question may get another answer in a moment; what is refused stays refused. */
export const mayPass = ({ status }: Fault): boolean =>
  status === 0 || status === 408 || status === 429 || status >= 500

/** A query string from the values that are there. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(values).filter(
    (pair): pair is [string, string | number] => pair[1] !== undefined && pair[1] !== '',
  )
  if (pairs.length === 0) return ''
  return `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString()}`
}

export type List<T> = {
  items: T[]
  pagination: { page: number; perPage: number; totalCount: number; totalPages: number }
}
