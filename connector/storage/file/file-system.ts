import { mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../runtime/clock.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { HOUR_MS } from '../../runtime/units.ts'

const noLinks = 'the file system has no hard links'

/** Errors that last until permissions, the path or the file system change, and what they mean. */
const refusals: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EEXIST: 'a file exists where a directory is needed',
  EISDIR: 'a directory exists where a file is needed',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'the path has a loop of links',
  ENOTSUP: noLinks,
  EOPNOTSUPP: noLinks,
  ENOSYS: noLinks,
  EXDEV: noLinks,
}
/** Others (EIO, EMFILE, …) may pass. */
const full: Readonly<Record<string, string>> = { ENOSPC: 'no space left', EDQUOT: 'the quota is used up' }

export function hasCode(error: unknown, code: string): boolean {
  return errnoOf(error) === code
}

/** Converts a file-system error to `storage.*`. `what` names the whole path. Returns an error without a code unchanged. */
export function asStorageError(what: string, error: unknown): unknown {
  const code = errnoOf(error)
  if (code === undefined || error instanceof ConnectorError) return error
  const meaning = refusals[code] ?? full[code]
  const message = `${what}: ${meaning === undefined ? code : `${meaning} (${code})`}`
  return new ConnectorError(storageCode(code), message)
}

function storageCode(errno: string) {
  if (errno in refusals) return 'storage.directory-unusable'
  return errno in full ? 'storage.full' : 'storage.unavailable'
}

function errnoOf(error: unknown): string | undefined {
  const { code }: { code?: unknown } = Object(error)
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

/** The documents contain hashes of clients and whom operators erased: nobody else may read them. */
const PRIVATE_FILE = 0o600
const PRIVATE_DIRECTORY = 0o700

/** Creates a file, which must not exist yet. Resolves once its content survives a power failure. */
export async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx', PRIVATE_FILE)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Resolves once the names in a directory survive a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Creates a directory and its missing parents, and syncs each new name. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: PRIVATE_DIRECTORY })
  if (first === undefined) return
  for (let created = path; ; created = dirname(created)) {
    await syncDirectory(dirname(created))
    if (created === first) return
  }
}

// No writer takes this long between creating its temporary file and giving it its name; one that did would retry.
const abandonedAfterMs = HOUR_MS

/** Whether a temporary file was left by a crash. */
export async function isAbandoned(path: string, clock: Clock): Promise<boolean> {
  return clock.now() - (await stat(path)).mtimeMs > abandonedAfterMs
}
