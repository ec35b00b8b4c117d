import type { FormName, Page, Site } from '#portal/schema'
import { forms } from './forms.ts'
import { plainText } from './markdown.ts'

export type Head = { title: string; description: string; noindex: boolean }

/** Forms that are reached by a link of a mail have nothing for a search engine. */
const privateForms: readonly FormName[] = ['reset', 'verify-email', 'accept-invitation', 'recovery']

export function headOf(site: Site, page: Page): Head {
  const name = site.operatorName
  const head = (title: string, description: string, noindex = false): Head => ({
    title: `${title} · ${name}`,
    description,
    noindex,
  })
  switch (page.kind) {
    case 'home':
      return head(
        'Network APIs for partners',
        `Call ${name}'s network from your product: sandbox keys at once, a first answer in minutes, every price and error documented.`,
      )
    case 'catalog':
      return head('APIs', `The APIs that ${name} offers to partners, by domain.`, page.query !== '')
    case 'api':
      return head(
        `${page.api.title} ${page.api.version}`,
        page.api.summary || plainText(page.api.description, 160),
      )
    case 'retired':
      return head(`${page.api.title} ${page.api.version}`, 'This version was retired.', true)
    case 'operation':
      return head(
        `${page.operation.summary || page.operation.operationId} · ${page.api.title} ${page.api.version}`,
        plainText(page.operation.description || page.operation.summary, 160),
      )
    case 'errors':
      return head('Error codes', 'Each error code: what it means, why it comes, what to do.')
    case 'error':
      return head(page.error.code, `${page.error.code}: ${page.error.meaning}`)
    case 'sandbox':
      return head('Sandbox', 'Test numbers with known behaviour, failures included.')
    case 'guide':
      return head('Getting started', 'From nothing to a first 200, and from there to production.')
    case 'form':
      return head(forms[page.form].title, forms[page.form].lead, privateForms.includes(page.form))
    case 'not-found':
      return head('Not found', 'There is no page at this address.', true)
  }
}
