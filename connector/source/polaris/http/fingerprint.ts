/** The SHA-256 fingerprint for comparison: lower-case hex without separators, from any output of openssl. */
export function normalFingerprint(text: string): string {
  return text
    .replace(/^\s*sha-?256(?:\s+fingerprint)?\s*[:=]/i, '')
    .replaceAll(/[\s:-]/g, '')
    .toLowerCase()
}
