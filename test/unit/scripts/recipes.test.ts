import { existsSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { assertSameRows, type Row } from '../../../scripts/recipes/rows.ts'
import { markdownFile, readProjectFile } from '../../support/documentation/markdown-file.ts'

const root = new URL('../../../contract/recipes/', import.meta.url)
const recipes = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())

test.each(recipes)('the recipe $name has a script that checks it, and says when it was run last', ({ name }) => {
  expect(existsSync(new URL(`${name}/run.ts`, root))).toBe(true)
  const page = readProjectFile(`contract/recipes/${name}/README.md`)
  expect(page).toMatch(/^Last run on 20\d\d-\d\d-\d\d/m)
  expect(page).toContain(`\`\`\`sh\ncontract/recipes/run ${name}\n`)
})

test('the page of the recipes lists each of them', () => {
  const links = markdownFile('contract/recipes/README.md').links.map(({ path }) => path)
  expect(links).toEqual(recipes.map(({ name }) => `contract/recipes/${name}/README.md`).toSorted())
})

const row = (No: string, more: Partial<Row> = {}): Row => ({
  ...{ No, Nom: 'Zyxelard', Ville: 'Troufignac', ChiffreAffaires: '1204.50', NoVersion: '1' },
  ...more,
})

test('accepts a table with exactly the expected rows, in any order', () => {
  expect(() => assertSameRows([row('2'), row('1')], [row('1'), row('2')])).not.toThrow()
})

test.each([
  ['has a row twice', [row('1'), row('2'), row('2')], 'twice: 2 |'],
  ['lacks a row', [row('1')], 'missing: 2 |'],
  ['has a row too many', [row('1'), row('2'), row('3')], 'too many: 3 |'],
  ['has an older version', [row('1'), row('2', { NoVersion: '0' })], 'too many: 2 |'],
])('rejects a table that %s', (_what, found, problem) => {
  expect(() => assertSameRows(found, [row('1'), row('2')])).toThrow(problem)
})
