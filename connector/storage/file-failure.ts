import { ConnectorError } from '../runtime/connector-error.ts'

// What stays so until somebody changes rights, the path or the file system; anything else (ENOSPC, EIO, EMFILE, …) may pass.
const refusals = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST', // a file where a directory has to be
  'EISDIR',
  'ENAMETOOLONG',
  'ELOOP',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EXDEV',
])

export function hasCode(error: unknown, code: string): boolean {
  return errnoOf(error) === code
}

/** An error of the file system as `storage.*`: its code, without the path that its message holds. Errors without a code pass. */
export function asStorageError(what: string, error: unknown): unknown {
  const code = errnoOf(error)
  if (code === undefined || error instanceof ConnectorError) return error
  return new ConnectorError(refusals.has(code) ? 'storage.refused' : 'storage.unavailable', `${what}: ${code}`)
}

function errnoOf(error: unknown): string | undefined {
  const { code }: { code?: unknown } = Object(error)
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}
