import { expect, test } from 'vitest'
import { judgeCertificates } from '../../../../connector/inspect/doctor/examine.ts'

const now = Date.UTC(2026, 10, 27, 12)
const day = 86_400_000
const inDays = (days: number) => now + days * day + 1000

test('names the days until each certificate expires, of the last connection', () => {
  const seen = [
    { certificate: 'server', expiresAt: inDays(2) },
    { certificate: 'server', expiresAt: inDays(90) },
    { certificate: 'ca', expiresAt: inDays(900) },
    { certificate: 'client', expiresAt: inDays(30) },
  ] as const
  expect(judgeCertificates(seen, now)).toEqual({
    certificates: {
      verdict: 'ok',
      detail: 'of the server expires in 90 days, of its CA expires in 900 days, of the connector expires in 30 days',
    },
  })
})

test.each([
  ['server', 29, 'of the server expires in 29 days', 'ask the operator'],
  ['server', -3, 'of the server expired 3 days ago', 'ask the operator'],
  ['pinned', 10, 'of the server (pinned) expires in 10 days', 'POLARIS_TLS_FINGERPRINTS'],
  ['ca', 0, 'of its CA expires in 0 days', 'POLARIS_CA'],
  ['client', 5, 'of the connector expires in 5 days', 'POLARIS_TLS_CERT'],
] as const)('warns when the certificate %s has %i days left', (certificate, days, detail, hint) => {
  const { certificates } = judgeCertificates([{ certificate, expiresAt: inDays(days) }], now)
  expect(certificates).toEqual({ verdict: 'warning', detail, hint: expect.stringContaining(hint) })
})

test('does not warn about a pinned certificate that has expired: it is still accepted', () => {
  const seen = [{ certificate: 'pinned', expiresAt: inDays(-100) }] as const
  expect(judgeCertificates(seen, now).certificates?.verdict).toBe('ok')
})

test('has no result without TLS', () => expect(judgeCertificates([], now)).toEqual({}))
