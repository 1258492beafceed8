/** The registered authentication schemes, and those of Windows. */
const known = [
  ...['Basic', 'Digest', 'Bearer', 'NTLM', 'Negotiate', 'Kerberos', 'DPoP', 'GNAP', 'HOBA', 'Mutual', 'OAuth'],
  ...['PrivateToken', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'vapid'],
]
const byName = new Map(known.map((name) => [name.toLowerCase(), name]))

/**
 * The schemes in the `WWW-Authenticate` headers, without their parameters. Invariant 8: other names, which may be
 * anything, are shown as `another scheme`.
 */
export function offeredSchemes(headers: readonly string[]): readonly string[] {
  const names = headers.flatMap((header) => {
    const parts = header
      .slice(0, 4000)
      .replace(/"[^"]*"/g, '""')
      .split(',')
    return parts.flatMap((part) => /^\s*([\w.-]+)(?!\s*=)(?:\s|$)/.exec(part)?.[1] ?? [])
  })
  return [...new Set(names.map((name) => byName.get(name.toLowerCase()) ?? 'another scheme'))]
}
