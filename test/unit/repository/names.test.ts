import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { streamStates } from '../../../connector/pipeline/pipeline-event.ts'

const root = fileURLToPath(new URL('../../../connector/', import.meta.url))
const files = globSync('**/*.ts', { cwd: root }).map((file) => ({ file, text: readFileSync(root + file, 'utf8') }))

/** Of each name in the code that the pattern finds, the files with it. */
function namesIn(pattern: RegExp): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const { file, text } of files)
    for (const { groups: { name = '' } = {} } of text.matchAll(pattern))
      found.set(name, (found.get(name) ?? new Set()).add(file))
  return found
}

test('no name is exported by two files', () => {
  const exported = namesIn(/^export (?:async )?(?:function\*?|const|class|interface|type) (?<name>\w+)/gm)
  expect([...exported].filter(([, { size }]) => size > 1)).toEqual([])
})

/** The states of the glossary, and the adverbs that stand in for a noun. */
// biome-ignore format: a list
const reserved: ReadonlySet<string> = new Set([...streamStates, 'stuck', 'suppressed', 'superseded', 'erased', 'here', 'left'])

test('no value, function or type is called as a state', () => {
  const declared = namesIn(/\b(?:const|let|function\*?|class|interface|type) (?<name>\w+)/g)
  expect([...declared].filter(([name]) => reserved.has(name.toLowerCase()))).toEqual([])
})

const isParticiple = (name: string) =>
  /^[a-z]+ed$|^(?:begun|found|given|known|made|sent|shown|taken|written)$/.test(name)

test('no function or method is called by a participle without its noun', () => {
  const functions = namesIn(/\bfunction\*? (?<name>\w+)/g)
  const arrows = namesIn(/\b(?:const )?(?<name>\w+)(?::| =) (?:async )?(?:<\w+>)?\([^()]*\)(?:: [^=\n]+)? =>/g)
  const methods = namesIn(/^ +(?<name>\w+)\([^()]*\): /gm)
  const found = [...functions, ...arrows, ...methods]
  expect(found.length).toBeGreaterThan(1000)
  expect(found.filter(([name]) => isParticiple(name))).toEqual([])
})
