import { readdir } from 'node:fs/promises'
import type { Version } from '../versioned-object.ts'
import { hasCode } from './file-system.ts'

const versionsKept = 10

export const versionFile = (name: string, version: Version) => `${name}.${version}.json`

/** Never read, so a file left by a crash does no harm. */
export const temporaryFile = (name: string, unique: string) => `.${name}.${unique}.tmp`

export const isTemporary = (file: string) => file.endsWith('.tmp')

/** The file names in a directory; empty if the directory does not exist. */
export async function filesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** The versions of an object, oldest first. */
export function versionsAmong(files: readonly string[], name: string): Version[] {
  return files.flatMap((file) => versionIn(file, name) ?? []).sort()
}

export function newestOf(versions: readonly Version[]): Version | null {
  return versions.at(-1) ?? null
}

/**
 * Whether the number just taken may have been used and pruned before. A writer that was suspended before linking can
 * find its number free again, once ten newer versions exist. The threshold is half of that: a listing is not atomic.
 */
export function mayHaveBeenPruned(taken: Version, versions: readonly Version[]): boolean {
  return versions.filter((version) => version > taken).length >= versionsKept / 2
}

/** All versions but the last ten, oldest first, then temporary files. The caller must keep those still in use. */
export function removable(files: readonly string[], name: string): string[] {
  const old = versionsAmong(files, name).slice(0, -versionsKept)
  const temporary = files.filter((file) => file.startsWith(`.${name}.`) && isTemporary(file))
  return [...old.map((version) => versionFile(name, version)), ...temporary]
}

function versionIn(file: string, name: string): Version | undefined {
  if (!file.startsWith(`${name}.`)) return undefined
  const number = /^\.(\d{20})\.json$/.exec(file.slice(name.length))?.[1]
  return number === undefined ? undefined : (number as Version)
}
