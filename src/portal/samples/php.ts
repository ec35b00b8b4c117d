import { clientIdPlaceholder, clientSecretPlaceholder, type SampleCall } from './sample-call.ts'

/** In single quotes only these two mean something; what cannot be seen needs double quotes. */
function php(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (!/[\x00-\x1f\x7f]/.test(text))
    return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  // JSON writes them as \n or \u000a; in PHP a code point stands in braces, and a dollar begins a name.
  return JSON.stringify(text)
    .replace(/\\(u[0-9a-f]{4}|.)/g, (whole, code: string) => {
      if (code.startsWith('u')) return `\\u{${code.slice(1)}}`
      return code === 'b' ? '\\x08' : whole
    })
    .replaceAll('$', '\\$')
}

function literal(value: unknown, depth = 0): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return php(value)
  if (typeof value !== 'object') return String(value)
  const pad = '    '.repeat(depth + 1)
  const entries = Array.isArray(value)
    ? value.map((v) => `${pad}${literal(v, depth + 1)},\n`)
    : Object.entries(value).map(([k, v]) => `${pad}${php(k)} => ${literal(v, depth + 1)},\n`)
  // An empty array would become [] in JSON where the document says {}.
  if (entries.length === 0) return Array.isArray(value) ? '[]' : 'new stdClass()'
  return `[\n${entries.join('')}${'    '.repeat(depth)}]`
}

export function phpSample(call: SampleCall): string {
  const scope = call.scope === '' ? '' : `\n    'scope' => ${php(call.scope)},`
  const headers = [
    `"Authorization: Bearer $token"`,
    ...(call.body === undefined ? [] : [php(`Content-Type: ${call.mediaType}`)]),
    ...Object.entries(call.headers).map(([name, value]) => php(`${name}: ${value}`)),
  ]
  const body = call.body === undefined ? '' : `, json_encode(${literal(call.body)})`
  return `<?php
// call.php, run with: php call.php (PHP 8 or newer, no extension needed)
$clientId = ${php(clientIdPlaceholder)};
$clientSecret = ${php(clientSecretPlaceholder)};

function send(string $method, string $url, array $headers, string $body = ''): array
{
    $context = stream_context_create(['http' => [
        'method' => $method,
        'header' => implode("\\r\\n", $headers),
        'content' => $body,
        'ignore_errors' => true,
    ]]);
    $text = file_get_contents($url, false, $context);
    return [$http_response_header[0], $text];
}

// 1. the token
[$status, $text] = send('POST', ${php(call.tokenUrl)}, [
    'Authorization: Basic ' . base64_encode("$clientId:$clientSecret"),
    'Content-Type: application/x-www-form-urlencoded',
], http_build_query([
    'grant_type' => 'client_credentials',${scope}
]));
$token = json_decode($text, true)['access_token'] ?? exit("$status $text\\n");

// 2. the call
[$status, $text] = send(${php(call.method)}, ${php(call.url)}, [
    ${headers.join(',\n    ')},
]${body});
echo "$status $text\\n";
`
}
