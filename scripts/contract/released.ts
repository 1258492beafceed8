import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONTRACT_MAJOR } from '../../connector/event/client-event.ts'
import { breakingChanges, type Contract } from './breaking-changes.ts'

const presentFolder = `contract/v${CONTRACT_MAJOR}`
/** Has a folder for each released version. */
export const releasedFolder = 'contract/released'

/** Copies the present schemas to the folder of a version, which a release needs. */
export function saveContract(folder: string, version: string): void {
  for (const file of schemasIn(presentFolder)) cpSync(join(presentFolder, file), join(folder, version, file))
}

/** The breaking changes from each released version to the next, and from the last one to `present`. */
export function contractProblems(folder: string, present = read(presentFolder)): string[] {
  const steps = [...versionsIn(folder).map((version) => read(join(folder, version))), present]
  return steps.slice(1).flatMap((after, index) => breakingChanges(steps[index] ?? {}, after))
}

function versionsIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
}

const schemasIn = (folder: string) => readdirSync(folder).filter((file) => file.endsWith('.schema.json'))

const read = (folder: string): Contract =>
  Object.fromEntries(schemasIn(folder).map((file) => [file, JSON.parse(readFileSync(join(folder, file), 'utf8'))]))
