import type { ApiHead, CodeBlock, OperationPage, Page, PlanPrice, Site } from '#portal/schema'
import { errorRows } from './error-rows.ts'
import { retirementOf } from './retirement.ts'
import { type SchemaRow, schemaRows } from './schema-rows.ts'

/** The same facts as the HTML page, for readers that are programs. */
export function markdownOf(site: Site, page: Page): string | undefined {
  switch (page.kind) {
    case 'api':
      return apiMarkdown(site, page)
    case 'operation':
      return operationMarkdown(site, page)
    default:
      return undefined
  }
}

function apiMarkdown(site: Site, page: Extract<Page, { kind: 'api' }>): string {
  const { api } = page
  return lines(
    `# ${api.title} ${api.version}`,
    '',
    api.summary,
    '',
    `- Domain: ${api.domain}`,
    `- Base path: \`${api.basePath}\``,
    `- State: ${stateOf(api)}`,
    `- Owner: ${api.owner.team} (${api.owner.contact})`,
    `- Service level: ${api.sla.availability} available, ${api.sla.latencyMs} ms`,
    priceLine(page.prices, site.currency),
    '',
    '## Operations',
    '',
    ...api.operations.map(
      (o) =>
        `- [${o.method} ${o.path}](/apis/${api.name}/${api.version}/${o.operationId}.md): ${o.summary}`,
    ),
    '',
    '## About',
    '',
    api.description,
  )
}

function stateOf(api: ApiHead): string {
  const view = retirementOf(api)
  if (view === undefined) return api.lifecycle
  const next = view.successor === undefined ? '' : ` Move to ${view.successor.id}.`
  return `${api.lifecycle}. ${view.text}${next}`
}

function operationMarkdown(site: Site, page: Extract<Page, { kind: 'operation' }>): string {
  const { api, operation } = page
  return lines(
    `# ${operation.summary || operation.operationId}`,
    '',
    `\`${operation.method} ${page.gateway}${api.basePath}${operation.path}\` (sandbox), part of ${api.title} ${api.version}`,
    '',
    operation.description,
    '',
    ...(retirementOf(api) === undefined ? [] : [`- State: ${stateOf(api)}`]),
    `- Scope: ${operation.scopes.map((s) => s.join(' and ')).join(', or ') || 'none'}`,
    `- Token: client credentials at ${page.tokenUrl}`,
    priceLine(page.prices, site.currency),
    '',
    ...parametersOf(operation),
    ...(operation.requestBody === undefined
      ? []
      : [
          '## Request body',
          '',
          ...fieldTable(schemaRows(operation.requestBody.schema, api.schemas)),
          '',
          ...(page.requestExample === undefined ? [] : fenced(page.requestExample)),
        ]),
    '## Responses',
    '',
    ...operation.responses
      .filter((r) => /^[123]/.test(r.status))
      .flatMap((r) => [
        `### ${r.status} ${r.description}`,
        '',
        ...fieldTable(schemaRows(r.schema, api.schemas)),
        '',
      ]),
    '## Error codes',
    '',
    '| Status | Code | When |',
    '|---|---|---|',
    ...errorRows(operation, api.schemas).map(
      (e) => `| ${e.status} | ${e.code} | ${cell(e.when)} |`,
    ),
    '',
    '## Samples',
    '',
    ...page.samples.flatMap((sample) => [`### ${sample.label}`, '', ...fenced(sample)]),
  )
}

const parametersOf = (operation: OperationPage): string[] =>
  operation.parameters.length === 0
    ? []
    : [
        '## Parameters',
        '',
        '| Name | In | Required | Meaning |',
        '|---|---|---|---|',
        ...operation.parameters.map(
          (p) => `| ${p.name} | ${p.in} | ${p.required ? 'yes' : 'no'} | ${cell(p.description)} |`,
        ),
        '',
      ]

const fieldTable = (rows: readonly SchemaRow[]): string[] =>
  rows.length === 0
    ? ['No fields.']
    : [
        '| Field | Type | Required | Meaning |',
        '|---|---|---|---|',
        ...rows.map(
          (r) =>
            `| ${'· '.repeat(r.depth)}${r.name} | ${cell(r.type)} | ${r.required ? 'yes' : 'no'} | ${cell(
              [r.description, ...r.constraints, r.allowed.join(', ')]
                .filter((t) => t !== '')
                .join('; '),
            )} |`,
        ),
      ]

const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim()

const fenced = (block: CodeBlock): string[] => [
  `\`\`\`${block.language}`,
  ...block.lines.map((line) => line.map((token) => token.text).join('')),
  '```',
  '',
]

const priceLine = (prices: readonly PlanPrice[], currency: string): string =>
  `- Price a call: ${prices.map((p) => `${p.amount} ${currency} on ${p.plan}`).join(', ') || 'ask the owner'}`

const lines = (...parts: string[]): string => `${parts.join('\n').replace(/\n{3,}/g, '\n\n')}\n`
