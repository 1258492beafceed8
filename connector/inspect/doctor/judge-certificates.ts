import { DAY_MS } from '../../runtime/units.ts'
import type { SeenCertificate } from '../../source/client-source.ts'
import { type CheckResult, type CheckResults, ok, warning } from './finding.ts'

type Kind = SeenCertificate['certificate']

/** Enough for a certificate that another company renews. */
const WARN_DAYS = 30

const names: Readonly<Record<Kind, string>> = {
  server: 'of the server',
  pinned: 'of the server (pinned)',
  ca: 'of its CA',
  client: 'of the connector',
}

const hints: Readonly<Record<Kind, string>> = {
  server: 'ask the operator of the server to renew its certificate',
  pinned: 'add the fingerprint of the next certificate to POLARIS_TLS_FINGERPRINTS before the server is renewed',
  ca: 'add the next CA to the file of POLARIS_CA',
  client: 'renew the client certificate in POLARIS_TLS_CERT and POLARIS_TLS_KEY',
}

/** When the certificates of the connections to Polaris expire; no result without TLS. */
export function judgeCertificates(seen: readonly SeenCertificate[], now: number): CheckResults {
  const latest = new Map(seen.map(({ certificate, expiresAt }) => [certificate, expiresAt]))
  return latest.size === 0 ? {} : { certificates: judged([...latest], now) }
}

function judged(expiries: readonly (readonly [Kind, number])[], now: number): CheckResult {
  const daysTo = (at: number) => Math.floor((at - now) / DAY_MS)
  const detail = expiries.map(([kind, at]) => `${names[kind]} ${remaining(daysTo(at))}`).join(', ')
  // A pinned certificate is accepted after it has expired.
  const ending = expiries.filter(([kind, at]) => daysTo(at) < WARN_DAYS && (kind !== 'pinned' || at > now))
  return ending.length === 0 ? ok(detail) : warning(detail, ending.map(([kind]) => hints[kind]).join('; '))
}

const remaining = (days: number) => (days < 0 ? `expired ${-days} days ago` : `expires in ${days} days`)
