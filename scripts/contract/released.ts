import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { breakingChanges, type Contract } from './breaking-changes.ts'
import { schemaFiles } from './event-schema.ts'

/** Has a folder for each released version. */
export const releasedFolder = 'contract/released'

/** The present schemas, by file name. */
const presentContract = (): Contract =>
  Object.fromEntries(Object.entries(schemaFiles()).map(([path, schema]) => [basename(path), schema]))

/** Copies the present schemas to the folder of a version, which a release needs. */
export function saveContract(folder: string, version: string): void {
  mkdirSync(join(folder, version), { recursive: true })
  for (const [file, schema] of Object.entries(presentContract()))
    writeFileSync(join(folder, version, file), `${JSON.stringify(schema, undefined, 2)}\n`)
}

/** The breaking changes from each released version to the next, and from the last one to `present`. */
export function contractProblems(folder: string, present = presentContract()): string[] {
  const steps = [...versionsIn(folder).map((version) => read(folder, version)), present]
  return steps.slice(1).flatMap((after, index) => breakingChanges(steps[index] ?? {}, after))
}

function versionsIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
}

function read(folder: string, version: string): Contract {
  const files = readdirSync(join(folder, version))
  return Object.fromEntries(files.map((file) => [file, JSON.parse(readFileSync(join(folder, version, file), 'utf8'))]))
}
