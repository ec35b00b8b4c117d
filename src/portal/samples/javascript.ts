import {
  clientIdPlaceholder,
  clientSecretPlaceholder,
  indented,
  quoted,
  type SampleCall,
} from './sample-call.ts'

export function javascriptSample(call: SampleCall): string {
  const headers = [
    `authorization: \`Bearer \${access_token}\``,
    ...(call.body === undefined ? [] : [`'content-type': ${quoted(call.mediaType)}`]),
    ...Object.entries(call.headers).map(([name, value]) => `${quoted(name)}: ${quoted(value)}`),
  ]
  const body =
    call.body === undefined
      ? ''
      : `\n  body: JSON.stringify(${indented(JSON.stringify(call.body, null, 2), 2)}),`
  const scope = call.scope === '' ? '' : `\n    scope: ${quoted(call.scope)},`
  return `// call.mjs, run with: node call.mjs (Node.js 18 or newer)
const clientId = ${quoted(clientIdPlaceholder)}
const clientSecret = ${quoted(clientSecretPlaceholder)}

// 1. the token
const tokenResponse = await fetch(${quoted(call.tokenUrl)}, {
  method: 'POST',
  headers: { authorization: \`Basic \${btoa(\`\${clientId}:\${clientSecret}\`)}\` },
  body: new URLSearchParams({
    grant_type: 'client_credentials',${scope}
  }),
})
if (!tokenResponse.ok) throw new Error(await tokenResponse.text())
const { access_token } = await tokenResponse.json()

// 2. the call
const response = await fetch(${quoted(call.url)}, {
  method: ${quoted(call.method)},
  headers: {
    ${headers.join(',\n    ')},
  },${body}
})
console.log(response.status, await response.text())
`
}
