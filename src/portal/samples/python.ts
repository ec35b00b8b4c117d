import {
  clientIdPlaceholder,
  clientSecretPlaceholder,
  quoted,
  type SampleCall,
} from './sample-call.ts'

/** The value as Python writes it. */
function literal(value: unknown, depth = 0): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return typeof value === 'string' ? quoted(value) : String(value)
  const pad = '    '.repeat(depth + 1)
  const end = '    '.repeat(depth)
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    return `[\n${value.map((v) => `${pad}${literal(v, depth + 1)},\n`).join('')}${end}]`
  }
  const entries = Object.entries(value)
  if (entries.length === 0) return '{}'
  return `{\n${entries.map(([k, v]) => `${pad}${quoted(k)}: ${literal(v, depth + 1)},\n`).join('')}${end}}`
}

export function pythonSample(call: SampleCall): string {
  const scope = call.scope === '' ? '' : `\n    "scope": ${quoted(call.scope)},`
  const headers = [
    '"Authorization": "Bearer " + token',
    ...(call.body === undefined ? [] : [`"Content-Type": ${quoted(call.mediaType)}`]),
    ...Object.entries(call.headers).map(([name, value]) => `${quoted(name)}: ${quoted(value)}`),
  ]
  const body = call.body === undefined ? '' : '\n    data=json.dumps(body).encode(),'
  return `# call.py, run with: python3 call.py (no package needed)
import base64
import json
import urllib.error
import urllib.parse
import urllib.request

client_id = ${quoted(clientIdPlaceholder)}
client_secret = ${quoted(clientSecretPlaceholder)}

# 1. the token
basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
form = urllib.parse.urlencode({
    "grant_type": "client_credentials",${scope}
})
token_request = urllib.request.Request(
    ${quoted(call.tokenUrl)},
    data=form.encode(),
    headers={"Authorization": "Basic " + basic},
)
with urllib.request.urlopen(token_request) as answer:
    token = json.load(answer)["access_token"]

# 2. the call
${call.body === undefined ? '' : `body = ${literal(call.body)}\n`}request = urllib.request.Request(
    ${quoted(call.url)},
    method=${quoted(call.method)},${body}
    headers={
        ${headers.join(',\n        ')},
    },
)
try:
    with urllib.request.urlopen(request) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
`
}
