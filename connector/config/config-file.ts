import { type ErrorCode, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { ConfigPath, ConfigProblem } from './config-problem.ts'

/** A YAML file with the line numbers of its keys. */
export interface ConfigFile {
  readonly name: string
  /** The document as plain values; undefined if it is empty or invalid. */
  readonly value: unknown
  /** The line, from 1, of a key or list item, or else of its nearest parent that exists. */
  lineOf(path: ConfigPath): number | undefined
  readonly problems: readonly ConfigProblem[]
}

/** What is wrong and what to write, by the code of the parser. */
const causes: { readonly [code in ErrorCode]?: string } = {
  BAD_INDENT: 'wrong indentation, or a bracket that is not closed',
  BAD_SCALAR_START: 'a value that begins with a special character must be in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'wrong indentation, or a value that contains ": " and must be in quotes',
  DUPLICATE_KEY: 'the key occurs twice in its section: remove one',
  MISSING_CHAR: 'a missing colon, quote or bracket',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line and end with a colon',
  MULTIPLE_DOCS: 'must be a single document: remove ---',
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  TAG_RESOLVE_FAILED: 'a tag (!…) is not supported: put the value in quotes',
  UNEXPECTED_TOKEN: 'an unexpected character: put values with special characters in quotes',
}

const unresolved = 'an alias has no anchor, aliases expand too far, or << is not followed by an alias of a section'

export function parseConfigFile(name: string, text: string): ConfigFile {
  const lines = new LineCounter()
  // Invariant 8: pretty errors quote the line, which may contain a secret.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
  const problem = (what: string, line?: number): ConfigProblem => ({
    file: name,
    line,
    what: `is not valid YAML: ${what}`,
  })
  const problems = [...document.errors, ...document.warnings].map(({ code, pos }) =>
    problem(causes[code] ?? code.toLowerCase().replaceAll('_', ' '), lines.linePos(pos[0]).line),
  )
  const lineOf = (path: ConfigPath) => {
    const offset = offsetOf(document.contents, path)
    return offset === undefined ? undefined : lines.linePos(offset).line
  }
  if (problems.length > 0) return { name, value: undefined, lineOf, problems }
  try {
    return { name, value: document.toJS(), lineOf, problems }
  } catch {
    return { name, value: undefined, lineOf, problems: [problem(unresolved)] }
  }
}

/** Of the key or list item at a path, or else of its nearest parent that exists. */
function offsetOf(root: Node | null, path: ConfigPath): number | undefined {
  let [node, offset]: [unknown, number | undefined] = [root, undefined]
  for (const key of path) {
    const pair = isMap<Node, Node>(node)
      ? node.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined
    const next = pair?.key ?? (isSeq<Node>(node) && typeof key === 'number' ? node.items[key] : undefined)
    if (next === undefined) break
    offset = next.range?.[0] ?? offset
    node = pair === undefined ? next : pair.value
  }
  return offset
}
