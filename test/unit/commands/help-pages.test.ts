import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commandList } from '../../../connector/commands/command-list.ts'

const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-')
const anchorsIn = (page: string) =>
  readFileSync(page, 'utf8')
    .split('\n')
    .flatMap((line) => /^#+ (.*)$/.exec(line)?.[1] ?? [])
    .map(anchorOf)

test('every command that prints something prints it as JSON, too', () => {
  for (const { name, options } of commandList) expect('json' in options, name).toBe(name !== 'run')
})

test('every help names pages and sections of the documentation that exist', () => {
  const pages = commandList.flatMap(({ name, usage }) =>
    [...usage.matchAll(/docs\/[\w.-]+\.(?:md|json)(?:#[\w-]+)?/g)].map(([page]) => ({ name, page })),
  )
  for (const { page } of pages) {
    const [file = '', anchor] = page.split('#')
    expect(existsSync(file), page).toBe(true)
    if (anchor !== undefined) expect(anchorsIn(file)).toContain(anchor)
  }
})
