import type { Config } from '#platform/config'
import type { ApiListing } from './schema.ts'

/** The portal for readers that are programs (llmstxt.org): what there is, and where it is in plain Markdown. */
export function llmsText(config: Config, apis: readonly ApiListing[]): string {
  const base = config.portal.url
  return `# ${config.operatorName}: network APIs for partners

> REST and JSON to the CAMARA standard. Sandbox keys come with sign-up; tokens by the OAuth client credentials grant.

- Sandbox gateway: ${config.gateways.sandbox.url}
- Sandbox tokens: ${config.authorization.url}/sandbox/token
- Production gateway: ${config.gateways.production.url}
- Production tokens: ${config.authorization.url}/production/token
- Addresses as JSON: ${base}/.well-known/wayleave
- Errors are {"status", "code", "message"}: ${base}/errors

## APIs

${apis
  .map((api) =>
    [
      `- [${api.title} ${api.version}](${base}/apis/${api.id}.md): ${api.summary}`,
      ...api.operations.map(
        (o) =>
          `  - [${o.method} ${o.path}](${base}/apis/${api.id}/${o.operationId}.md): ${o.summary}`,
      ),
    ].join('\n'),
  )
  .join('\n')}

## Guides

- [Getting started](${base}/getting-started)
- [Sandbox test numbers](${base}/sandbox)
- [Error codes](${base}/errors)
- [Management API](${base}/management/v1/openapi.json)
`
}
