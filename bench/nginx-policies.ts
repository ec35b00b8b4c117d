import type { KeyObject } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Bench, proxyTo, type Served, serverCore } from './servers.ts'

/**
 * Debian's libnginx-mod-http-js. `BENCH_NJS` names the module where it is not installed:
 * `apt-get download libnginx-mod-http-js && dpkg-deb -x libnginx-mod-http-js_*.deb folder`.
 */
const places = [process.env.BENCH_NJS ?? '', '/usr/lib/nginx/modules/ngx_http_js_module.so']

/**
 * As much of the usual policies as nginx's own modules do: ES256 tokens verified by njs (signature, times, audience,
 * scope), a limit of requests, a line of JSON for each call. njs 0.7 keeps nothing from one request to the next, so a
 * verdict is remembered by the only cache that nginx has, `proxy_cache`, behind `auth_request`; without it every call
 * verifies. It has no contracts, quotas, validation or exact windows: what it lacks would cost it more.
 */
export async function nginxWithPolicies(
  bench: Bench,
  upstream: Served,
  publicKey: KeyObject,
  tokens: readonly string[],
): Promise<Served[]> {
  const module = places.find((place) => place !== '' && existsSync(place))
  if (module === undefined) {
    console.log(
      'nginx with policies is left out: no njs (apt-get install libnginx-mod-http-js, or BENCH_NJS=its file)',
    )
    return []
  }
  const { folder } = bench
  const key = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  writeFileSync(path.join(folder, 'auth.js'), verifier(key))
  const common = `
  js_path ${folder}; js_import auth from auth.js;
  limit_req_zone $http_authorization zone=calls:10m rate=1000000r/s;
  log_format record escape=json '{"at":"$msec","id":"$request_id","status":$status,"upstream":"$upstream_status","ms":$request_time,"bytes":$body_bytes_sent,"method":"$request_method","path":"$uri"}';`
  const location = (name: string): string => `
    auth_request /_auth; limit_req zone=calls burst=100000 nodelay; access_log ${folder}/${name}.records record;`
  const each = await bench.nginx(
    'each',
    serverCore,
    (port) =>
      `${common} ${proxyTo(upstream, '', location('each'))(port).replace(/\}$/, '')}
      location = /_auth { internal; js_content auth.check; } }`,
    [module],
  )
  const remembered = await bench.nginx(
    'remembered',
    serverCore,
    (port) =>
      `${common}
      proxy_cache_path ${folder}/verdicts keys_zone=verdicts:10m;
      ${proxyTo(upstream, '', location('remembered'))(port).replace(/\}$/, '')}
      location = /_auth { internal; proxy_pass http://unix:${folder}/auth.sock; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_cache verdicts; proxy_cache_key $http_authorization; proxy_cache_valid 204 60s; } }
      server { listen unix:${folder}/auth.sock; location / { js_content auth.check; } }`,
    [module],
  )
  const fields = tokens.map((token) => ({ authorization: `Bearer ${token}` }))
  return [
    { ...remembered, name: 'nginx + njs ES256, remembered', fields },
    { ...each, name: 'nginx + njs ES256, each call', fields },
  ]
}

const verifier = (key: string): string => `
const der = '${key}'
const part = (text) => JSON.parse(Buffer.from(text, 'base64url').toString())
async function check(r) {
  let status = 401
  try {
    const jws = (r.headersIn.Authorization || '').slice(7).split('.')
    const header = part(jws[0]), claims = part(jws[1]), now = Date.now() / 1000
    const key = await crypto.subtle.importKey('spki', Buffer.from(der, 'base64'),
      { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify'])
    const good = await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key,
      Buffer.from(jws[2], 'base64url'), Buffer.from(jws[0] + '.' + jws[1]))
    if (good && header.alg === 'ES256' && claims.exp > now && claims.iat <= now + 10 &&
      claims.aud === 'http://localhost:8082' && claims.scope.split(' ').includes('sim-swap:check'))
      status = 204
  } catch (e) {
    status = 401
  }
  r.return(status)
}
export default { check }
`
