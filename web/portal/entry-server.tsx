import type { ReactNode } from 'react'
import { renderToString } from 'react-dom/server'
import type { Page, Renderer, Site } from '#portal/schema'
import { ApiView } from './pages/api.tsx'
import { CatalogView } from './pages/catalog.tsx'
import { ErrorsView, ErrorView } from './pages/errors.tsx'
import { FormView } from './pages/form.tsx'
import { GuideView } from './pages/guide.tsx'
import { HomeView } from './pages/home.tsx'
import { NotFoundView } from './pages/not-found.tsx'
import { OperationView } from './pages/operation.tsx'
import { RetiredView } from './pages/retired.tsx'
import { SandboxView } from './pages/sandbox.tsx'
import { Document } from './parts/shell.tsx'
import { markdownOf } from './view-models/markdown-page.ts'
import { headOf } from './view-models/page-head.ts'

const renderPage: Renderer['renderPage'] = (site, page) => {
  const head = headOf(site, page)
  return `<!doctype html>${renderToString(
    <Document site={site} {...head}>
      <View site={site} page={page} />
    </Document>,
  )}`
}

function View({ site, page }: { site: Site; page: Page }): ReactNode {
  switch (page.kind) {
    case 'home':
      return <HomeView site={site} page={page} />
    case 'catalog':
      return <CatalogView site={site} page={page} />
    case 'api':
      return <ApiView site={site} page={page} />
    case 'retired':
      return <RetiredView page={page} />
    case 'operation':
      return <OperationView site={site} page={page} />
    case 'errors':
      return <ErrorsView page={page} />
    case 'error':
      return <ErrorView page={page} />
    case 'sandbox':
      return <SandboxView page={page} />
    case 'guide':
      return <GuideView site={site} page={page} />
    case 'form':
      return <FormView page={page} />
    case 'not-found':
      return <NotFoundView />
  }
}

const markdownPage: Renderer['markdownPage'] = (site, page) => markdownOf(site, page)

export const renderer: Renderer = { renderPage, markdownPage }
