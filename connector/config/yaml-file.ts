import { LineCounter, parseDocument } from 'yaml'
import type { ConfigProblem } from './config-problem.ts'
import { type ReadFile, tryToRead } from './variables.ts'

type YamlFile =
  /** `value`: the document as plain values; null if it is empty. */
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

export function readYaml(name: string, readFile: ReadFile): YamlFile {
  const invalid = (...problems: ConfigProblem[]) => ({ kind: 'invalid', problems }) as const
  const content = tryToRead(name, readFile)
  if (content.kind === 'failed') return invalid({ place: name, what: `cannot be read (${content.why})` })
  const lines = new LineCounter()
  // Invariant 8: pretty errors quote the line, which may contain a secret.
  const document = parseDocument(content.text, { lineCounter: lines, prettyErrors: false, merge: true })
  const found = [...document.errors, ...document.warnings].map(({ code, pos }) => ({
    place: `${name}:${lines.linePos(pos[0]).line}`,
    what: `is not valid YAML (${code.toLowerCase().replaceAll('_', ' ')}): check indentation, and put the value in quotes`,
  }))
  if (found.length > 0) return invalid(...found)
  try {
    return { kind: 'read', value: document.toJS() }
  } catch {
    return invalid({ place: name, what: 'is not valid YAML: check the aliases (*) and merge keys (<<)' })
  }
}
