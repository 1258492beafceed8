import { type ErrorCode, LineCounter, parseDocument, type YAMLError } from 'yaml'
import type { ConfigProblem } from './config-problem.ts'
import { type ReadFile, tryToRead } from './variables.ts'

/** Reads the document as plain values, undefined if it is empty; or says why it cannot be read. */
export function readYaml(name: string, readFile: ReadFile): { problems: readonly ConfigProblem[]; value?: unknown } {
  const invalid = (what: string) => ({ problems: [{ place: name, what }] })
  const content = tryToRead(name, readFile)
  if (content.kind === 'failed') return invalid(`cannot be read (${content.why})`)
  const lines = new LineCounter()
  // Invariant 8: pretty errors quote the line, which may contain a secret.
  const document = parseDocument(content.text, { lineCounter: lines, prettyErrors: false, merge: true })
  const found = mistakesOf([...document.errors, ...document.warnings], content.text, lines)
  const problems = found.map(({ line, what }) => ({ place: `${name}:${line}`, what }))
  try {
    return problems.length > 0 ? { problems } : { problems, value: document.toJS() }
  } catch {
    return invalid('is not valid YAML: check the aliases (*) and merge keys (<<)')
  }
}

interface Mistake {
  readonly line: number
  readonly what: string
}

/** Returns one entry for each mistake. The parser reports the consequences of a mistake too, token by token. */
function mistakesOf(errors: readonly YAMLError[], text: string, lines: LineCounter): Mistake[] {
  const seen = new Set<number>()
  let isLost = false
  return errors
    .toSorted((left, right) => left.pos[0] - right.pos[0])
    .flatMap(({ code, pos: [at] }) => {
      const { line } = lines.linePos(at)
      const variable = unquotedVariable.exec(text.slice(Math.max(at - 1, 0)))?.[0]
      const isConsequence = variable === undefined && (isLost || seen.has(line))
      seen.add(line)
      isLost ||= code === 'UNEXPECTED_TOKEN'
      const what = variable === undefined ? invalidYaml(code) : `has ${variable} inside braces: write "${variable}"`
      return isConsequence ? [] : [{ line, what }]
    })
}

/** Inside braces or brackets, a plain value ends before `{`, which begins a map. */
const unquotedVariable = /^\$\{\w+\}/

const cures: Readonly<Partial<Record<ErrorCode, string>>> = {
  TAB_AS_INDENT: 'indent with spaces',
  DUPLICATE_KEY: 'remove the key here or above',
  MULTIPLE_DOCS: 'remove the second ---',
}

const invalidYaml = (code: ErrorCode) =>
  `is not valid YAML (${code.toLowerCase().replaceAll('_', ' ')}): ${cures[code] ?? 'check indentation, and put the value in quotes'}`
