import { type ErrorCode, isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
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
  const lineAt = (offset: number) => lines.linePos(offset).line
  const problems = [...document.errors, ...document.warnings].map(({ code, pos }): ConfigProblem => {
    return {
      file: name,
      line: lineAt(pos[0]),
      what: `is not valid YAML: ${causes[code] ?? code.toLowerCase().replaceAll('_', ' ')}`,
    }
  })
  if (problems.length > 0) return { name, value: undefined, lineOf: () => undefined, problems }
  const value = plainValue(document)
  return {
    name,
    value: value.kind === 'plain' ? value.value : undefined,
    lineOf: (path) => {
      const offset = offsetOf(document.contents, path)
      return offset === undefined ? undefined : lineAt(offset)
    },
    problems: value.kind === 'plain' ? [] : [{ file: name, what: `is not valid YAML: ${unresolved}` }],
  }
}

function plainValue(document: { toJS(): unknown }): { kind: 'plain'; value: unknown } | { kind: 'unresolved' } {
  try {
    return { kind: 'plain', value: document.toJS() }
  } catch {
    return { kind: 'unresolved' }
  }
}

function offsetOf(root: Node | null, path: ConfigPath): number | undefined {
  let node: unknown = root
  let offset: number | undefined
  for (const key of path) {
    const step = stepInto(node, key)
    if (step === undefined) break
    offset = step.offset ?? offset
    node = step.node
  }
  return offset
}

function stepInto(node: unknown, key: string | number): { offset: number | undefined; node: unknown } | undefined {
  if (isMap<Node, Node>(node)) {
    const pair = node.items.find((item) => 'value' in item.key && item.key.value === key)
    return pair === undefined ? undefined : { offset: pair.key.range?.[0], node: pair.value }
  }
  if (isSeq<Node>(node) && typeof key === 'number') {
    const item = node.items[key]
    return item === undefined ? undefined : { offset: item.range?.[0], node: item }
  }
  return undefined
}
