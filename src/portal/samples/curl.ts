import {
  apiKeyPlaceholder,
  clientIdPlaceholder,
  clientSecretPlaceholder,
  type SampleCall,
} from './sample-call.ts'

const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

export function curlSample(call: SampleCall): string {
  const token = [
    `TOKEN=$(curl -sS ${shell(call.tokenUrl)}`,
    `-u ${shell(`${clientIdPlaceholder}:${clientSecretPlaceholder}`)}`,
    '-d grant_type=client_credentials',
    ...(call.scope === '' ? [] : [`--data-urlencode ${shell(`scope=${call.scope}`)}`]),
    `| sed -n 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p')`,
  ]
  const withKey = `${requestWith(`-H ${shell(`X-API-Key: ${apiKeyPlaceholder}`)}`, call)}\n`
  if (call.apiKey === 'only') return withKey
  const request = requestWith('-H "Authorization: Bearer $TOKEN"', call)
  const steps = `# 1. the token\n${token.join(' \\\n  ')}\n\n# 2. the call\n${request}\n`
  return call.apiKey === undefined ? steps : `${steps}\n# or at once, with an API key\n${withKey}`
}

const requestWith = (credential: string, call: SampleCall): string =>
  [
    `curl -sS -i -X ${call.method} ${shell(call.url)}`,
    credential,
    ...Object.entries(call.headers).map(([name, value]) => `-H ${shell(`${name}: ${value}`)}`),
    ...(call.body === undefined
      ? []
      : [
          `-H ${shell(`Content-Type: ${call.mediaType}`)}`,
          `-d ${shell(JSON.stringify(call.body, null, 2))}`,
        ]),
  ].join(' \\\n  ')
