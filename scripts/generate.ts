import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { configJsonSchema } from './config-json-schema.ts'
import { configReference } from './config-reference.ts'

interface GeneratedFile {
  /** From the root of the project. */
  readonly path: string
  readonly content: () => string
}

/** Every file that follows from the code. */
export const generatedFiles: readonly GeneratedFile[] = [
  { path: 'config/connector.schema.json', content: configJsonSchema },
  { path: 'config/reference.md', content: configReference },
]

const urlOf = ({ path }: GeneratedFile) => new URL(`../${path}`, import.meta.url)

/** The files that are missing or not as they would be generated now. */
export function staleFiles(): string[] {
  return generatedFiles.filter((file) => contentOf(file) !== file.content()).map(({ path }) => path)
}

function contentOf(file: GeneratedFile): string | undefined {
  try {
    return readFileSync(urlOf(file), 'utf8')
  } catch {
    return undefined
  }
}

/** `npm run generate` writes the files; with `--check` it names the stale ones and ends with 1. */
function main(args: readonly string[]): number {
  if (args.includes('--check')) {
    const stale = staleFiles()
    for (const path of stale) console.error(`${path} is stale: npm run generate`)
    return stale.length === 0 ? 0 : 1
  }
  for (const file of generatedFiles) writeFileSync(urlOf(file), file.content())
  return 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main(process.argv.slice(2))
