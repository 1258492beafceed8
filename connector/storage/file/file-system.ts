import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ConnectorError } from '../../runtime/connector-error.ts'

/** Errors that only an operator can end, by other permissions, another path or another file system. */
const refusals: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted, or the file system has no hard links',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EEXIST: 'a file exists where a directory is needed',
  EISDIR: 'a directory exists where a file is needed',
}

export function hasCode(error: unknown, code: string): boolean {
  return errnoOf(error) === code
}

/** Converts a file-system error to `storage.*`. `what` names the whole path. Returns an error without a code unchanged. */
export function asStorageError(what: string, error: unknown): unknown {
  const errno = errnoOf(error)
  if (errno === undefined || error instanceof ConnectorError) return error
  const { [errno]: refusal } = refusals
  if (refusal === undefined) return new ConnectorError('storage.unavailable', `${what}: ${errno}`)
  return new ConnectorError('storage.refused', `${what}: ${errno}: ${refusal}`)
}

function errnoOf(error: unknown): string | undefined {
  const { code }: { code?: unknown } = Object(error)
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

/** The documents contain hashes of clients: nobody else may read them. */
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

/**
 * Writes a temporary file in the directory of `path`, which it creates, and gives it its name by `name`, which is
 * `rename` or `link`. Resolves once both survive a power failure.
 */
export async function writeNamed(
  path: string,
  content: string | Uint8Array,
  name: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const directory = dirname(path)
  await makeDirectory(directory)
  const temporary = join(directory, `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    await writeSynced(temporary, content)
    await name(temporary, path)
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
  await syncDirectory(directory)
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

/** The file names in a directory; empty if the directory does not exist. */
export async function filesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
