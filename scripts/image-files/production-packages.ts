import { readFileSync } from 'node:fs'

export interface LockedPackage {
  readonly name: string
  readonly version: string
  /** Where the package is installed, relative to the project root. */
  readonly folder: string
  readonly license: string
}

interface LockEntry {
  readonly version: string
  readonly license?: string
  readonly dev?: boolean
}

/** The production dependencies, from `package-lock.json`. */
export function productionPackages(): LockedPackage[] {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockEntry> }
  return Object.entries(packages).flatMap(([folder, { version, license = 'unknown', dev = false }]) =>
    folder === '' || dev ? [] : [{ name: nameOf(folder), version, folder, license }],
  )
}

const nameOf = (folder: string) => folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length)
