import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createHighlighter } from './highlight-code.ts'
import { curlSample, languages, type SampleCall } from './samples/index.ts'

const run = promisify(execFile)

/** What breaks quoting in one language or another. */
const nasty = {
  single: "it's",
  double: 'say "yes"',
  triple: 'a """ b',
  back: 'C:\\new\\"',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it must stay as it is
  tick: '`id` ${HOME} $HOME $(id)',
  lines: 'one\ntwo\r\n',
  letters: 'ўқғҳ ʻ 🙂',
  percent: '%s %0a',
  empty: {},
  list: [1, -2.5, true, null],
}

type Seen = { url: string; authorization: string; apiKey: string; type: string; body: string }

async function upstream(t: {
  after: (f: () => void) => void
}): Promise<{ base: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push({
        url: `${request.method} ${request.url}`,
        authorization: request.headers.authorization ?? '',
        apiKey: String(request.headers['x-api-key'] ?? ''),
        type: request.headers['content-type'] ?? '',
        body: Buffer.concat(chunks).toString('utf8'),
      })
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(
          request.url === '/token'
            ? '{"token_type":"Bearer","access_token": "tok.en-1"}'
            : '{"ok":true}',
        )
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { base: `http://127.0.0.1:${port}`, seen }
}

const runners: Readonly<Record<string, { file: string; command: string; args: string[] }>> = {
  bash: { file: 'call.sh', command: 'bash', args: ['call.sh'] },
  javascript: { file: 'call.mjs', command: process.execPath, args: ['call.mjs'] },
  python: { file: 'call.py', command: 'python3', args: ['call.py'] },
  go: { file: 'call.go', command: 'go', args: ['run', 'call.go'] },
  java: { file: 'Call.java', command: 'java', args: ['Call.java'] },
  php: { file: 'call.php', command: 'php', args: ['call.php'] },
}

function isInstalled(command: string): boolean {
  if (command === process.execPath) return true
  try {
    execFileSync('which', [command], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const call = (base: string, changes: Partial<SampleCall> = {}): SampleCall => ({
  tokenUrl: `${base}/token`,
  scope: 'sim-swap:check dpv:FraudPreventionAndDetection',
  method: 'POST',
  url: `${base}/sim-swap/v2/check?tag=a%20b`,
  headers: { 'x-purpose': 'it\'s "this"' },
  mediaType: 'application/json',
  body: nasty,
  ...changes,
})

for (const [apiKey, calls] of [
  [
    'instead',
    ['POST /token', 'POST /sim-swap/v2/check?tag=a%20b', 'POST /sim-swap/v2/check?tag=a%20b'],
  ],
  ['only', ['POST /sim-swap/v2/check?tag=a%20b']],
] as const)
  test(`where an API key does (${apiKey}), the curl sample calls with one`, async (t) => {
    const { base, seen } = await upstream(t)
    const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-sample-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const code = curlSample(call(base, { apiKey })).replaceAll('YOUR_API_KEY', 'wl_sbx_key_me')
    writeFileSync(path.join(folder, 'call.sh'), code)
    await run('bash', ['call.sh'], { cwd: folder })
    assert.deepEqual(
      seen.map(({ url }) => url),
      calls,
    )
    const last = seen.at(-1)
    assert.deepEqual([last?.apiKey, last?.authorization], ['wl_sbx_key_me', ''])
    assert.deepEqual(JSON.parse(last?.body ?? ''), nasty)
  })

for (const { language, label, write } of languages) {
  const runner = runners[language]
  const installed = runner !== undefined && isInstalled(runner.command)
  test(`the ${label} sample runs as it is: the token, then the call, with the very body`, {
    skip: installed ? false : `${runner?.command ?? language} is not installed`,
  }, async (t) => {
    assert.ok(runner)
    const { base, seen } = await upstream(t)
    const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-sample-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const code = write(call(base))
      .replaceAll('YOUR_CLIENT_ID', 'wl_sbx_me')
      .replaceAll('YOUR_CLIENT_SECRET', 'wl_sbx_sk_secret')
    writeFileSync(path.join(folder, runner.file), code)
    const { stdout } = await run(runner.command, runner.args, { cwd: folder })
    const [token, made] = seen
    assert.equal(token?.url, 'POST /token')
    assert.equal(
      token?.authorization,
      `Basic ${Buffer.from('wl_sbx_me:wl_sbx_sk_secret').toString('base64')}`,
    )
    const form = new URLSearchParams(token?.body)
    assert.equal(form.get('grant_type'), 'client_credentials')
    assert.equal(form.get('scope'), 'sim-swap:check dpv:FraudPreventionAndDetection')
    assert.equal(made?.url, 'POST /sim-swap/v2/check?tag=a%20b')
    assert.equal(made?.authorization, 'Bearer tok.en-1')
    assert.match(made?.type ?? '', /^application\/json/)
    assert.deepEqual(JSON.parse(made?.body ?? ''), nasty)
    assert.match(stdout, /200[\s\S]*"ok":true/)
  })

  test(`the ${label} sample without a body sends none`, () => {
    const code = write(call('http://x', { method: 'GET', body: undefined, scope: '', headers: {} }))
    assert.doesNotMatch(code, /content-type.{0,4}application\/json|scope/i)
  })

  test(`the ${label} sample has one place for each of the reader's own values`, async () => {
    const block = await createHighlighter().block(language, label, write(call('http://x')))
    const text = block.lines.map((line) => line.map((token) => token.text).join('')).join('\n')
    assert.equal(text, write(call('http://x')).replace(/\n+$/, ''))
    const fills = block.lines
      .flat()
      .flatMap((token) => (token.fill === undefined ? [] : [token.fill]))
    assert.deepEqual(fills, ['client-id', 'client-secret'])
    assert.ok(block.lines.flat().some((token) => token.kind === 'string'))
  })
}
