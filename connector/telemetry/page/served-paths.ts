import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Registry } from 'prom-client'
import { type EndpointAnswer, json, text } from '../endpoints.ts'

interface Served {
  readonly registry: Registry
  status(): { readonly ready: boolean }
}

/** The response of each path of the HTTP port. */
export function servedPaths({
  registry,
  status,
}: Served): Record<string, () => EndpointAnswer | Promise<EndpointAnswer>> {
  const page = statusPage()
  return {
    '/': () => page,
    // Liveness: proves only that the event loop runs.
    '/healthz': () => text(200, 'ok'),
    '/readyz': () => {
      const now = status()
      return json(now.ready ? 200 : 503, now)
    },
    '/metrics': async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
    '/status': () => json(200, status()),
  }
}

/** The status page: one file without external assets. It reads /status. */
function statusPage(): EndpointAnswer {
  const body = readFileSync(new URL('status-page.html', import.meta.url), 'utf8')
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body,
    headers: {
      'content-security-policy': policy(body),
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    },
  }
}

/** Allows only the page's own style and script, by their hashes, and requests to this server. */
function policy(html: string): string {
  return [
    `default-src 'none'`,
    `style-src ${hashOf(html, 'style')}`,
    `script-src ${hashOf(html, 'script')}`,
    `connect-src 'self'`,
    `img-src data:`, // its icon
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ')
}

function hashOf(html: string, tag: 'style' | 'script'): string {
  const [, text = ''] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html) ?? []
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
