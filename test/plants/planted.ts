import type { Plant } from './plants.ts'

/** The source with the defect. Throws if its text does not stand there exactly once. */
export function planted({ name, file, text, becomes }: Plant, source: string): string {
  const count = source.split(text).length - 1
  if (count !== 1) throw new Error(`plant "${name}": its text stands ${count} times in connector/${file}, not once`)
  return source.replace(text, () => becomes)
}
