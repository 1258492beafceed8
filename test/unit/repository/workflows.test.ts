import { readdirSync, readFileSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

// The workflows are parsed and compared with the scripts.

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly uses?: string; readonly run?: string }[] }>
  >
}

const root = new URL('../../../', import.meta.url)
const folder = new URL('.github/workflows/', root)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const text = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const workflow = (name: string) => parse(text(name)) as Workflow
const steps = (name: string) => Object.values(workflow(name).jobs).flatMap((job) => job.steps)
const commands = (name: string) => steps(name).flatMap(({ run }) => (run === undefined ? [] : [run]))
/** All matches of a pattern's first group in the commands of all workflows. */
const called = (pattern: RegExp) =>
  readdirSync(folder).flatMap((name) => [...commands(name).join('\n').matchAll(pattern)].map(([, found = '']) => found))

test.each(readdirSync(folder))(
  '%s pins every action, may only read, and gives commands event data in variables',
  (name) => {
    const uses = text(name).match(/(?<=uses: ).*/g) ?? []
    expect(uses.length).toBe(steps(name).filter(({ uses }) => uses !== undefined).length)
    for (const use of uses) expect(use).toMatch(/^(actions|sigstore)\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    // A job that publishes and signs asks for more.
    expect(workflow(name).permissions).toEqual({ contents: 'read' })
    for (const command of commands(name)) expect(command).not.toContain('${{')
  },
)

test('every script that a workflow calls is an executable file', () => {
  const scripts = called(/(?:^|\s)((?:\.ci|scripts)\/[\w./-]+)/g)
  expect(scripts).not.toEqual([])
  for (const script of scripts) expect(statSync(new URL(script, root)).mode & 0o111, script).not.toBe(0)
})

test('every make target that a workflow or .ci/run calls exists', () => {
  const targets = [...called(/\bmake ([\w-]+)/g), ...(read('.ci/run').match(/(?<=^make )[\w-]+/gm) ?? [])]
  const known = read('Makefile').match(/^[\w-]+(?=:)/gm) ?? []
  expect(targets.length).toBeGreaterThan(1)
  for (const target of targets) expect(known).toContain(target)
})
