import { readdir } from 'node:fs/promises'
import { hasCode } from './file-failure.ts'
import type { Version } from './versioned-object.ts'

const versionsKept = 10

export const versionFile = (name: string, version: Version) => `${name}.${version}.json`

/** Never read, so what a crash leaves of it harms nobody. */
export const temporaryFile = (name: string, unique: string) => `.${name}.${unique}.tmp`

export const isTemporary = (file: string) => file.endsWith('.tmp')

/** The names in a directory; none while there is no directory. */
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
 * Whether a number just taken may have been taken before: a writer that stood still before linking may find its number free again
 * because it was pruned, which needs ten newer ones. Half of that is asked for, since a listing is not taken at one instant.
 */
export function mayHaveBeenPruned(taken: Version, versions: readonly Version[]): boolean {
  return versions.filter((version) => version > taken).length >= versionsKept / 2
}

/** All versions but the last ten, oldest first, then the temporary files, of which those still in use must stay. */
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
