import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Of the bundle. */
const ownFolder = fileURLToPath(new URL('.', import.meta.url))

/**
 * Where a place of the bundle, `file:line:column`, comes from; the place itself if that is unknown. Reads the source map
 * when it is asked for: with `--enable-source-maps`, Node would keep all of them in memory.
 */
export function sourcePlace(place: string, folder = ownFolder): string {
  const [, file = '', line, column] = /^(.*):(\d+):(\d+)$/.exec(place) ?? []
  if (!file.startsWith(folder)) return place
  const origin = sourceMapOf(file)?.findOrigin(Number(line), Number(column))
  if (origin === undefined || !('fileName' in origin)) return place
  return `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}`
}

function sourceMapOf(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')))
  } catch {
    return undefined
  }
}
