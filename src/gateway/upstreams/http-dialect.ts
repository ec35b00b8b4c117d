import type { Dialect } from './upstream-endpoint.ts'

/** Plain HTTP: the call goes on below the target's own path, and its answer is the answer. */
export function httpDialect(prefix: string): Dialect {
  return {
    encode: ({ method, path, query, headers, body }) => ({
      method,
      path: prefix + path + query,
      headers,
      body: body.length === 0 ? null : body,
    }),
    decode: (response) => response,
  }
}
