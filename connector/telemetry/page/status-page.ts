import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { EndpointAnswer } from '../endpoints.ts'

/** The status page: one file without external assets. It reads /status and /status/hour. */
export function statusPage(): EndpointAnswer {
  const body = readFileSync(new URL('status-page.html', import.meta.url), 'utf8')
  return {
    ...{ status: 200, type: 'text/html; charset=utf-8', body },
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
