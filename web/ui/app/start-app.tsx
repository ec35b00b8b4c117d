import { MantineProvider } from '@mantine/core'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createBrowserRouter, type RouteObject } from 'react-router'
import { RouterProvider } from 'react-router/dom'
import { ManagementError } from '../management.ts'
import { readPageContext } from './page-context.ts'
import { cookieColorScheme, cssVariables, theme } from './theme.ts'

declare global {
  /** where libraries that make style elements look for the nonce of the page */
  var __webpack_nonce__: string | undefined
}

/** Starts one of the two signed-in applications. */
export function startApp(routes: RouteObject[], signIn: () => string): void {
  const root = document.getElementById('root')
  if (root === null) throw new Error('the page has no root')
  const { nonce } = readPageContext()
  globalThis.__webpack_nonce__ = nonce
  const client = new QueryClient({
    // The session ended, here or in another tab.
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof ManagementError && error.fault.status === 401)
          location.replace(signIn())
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (count, error) =>
          count < 2 &&
          error instanceof ManagementError &&
          (error.fault.status === 0 || error.fault.status >= 500),
      },
    },
  })
  createRoot(root).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariables}
        defaultColorScheme="auto"
        colorSchemeManager={cookieColorScheme()}
        getStyleNonce={() => nonce}
      >
        <QueryClientProvider client={client}>
          <RouterProvider router={createBrowserRouter(routes)} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
}
