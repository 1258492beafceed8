import { expect, test } from 'vitest'
import { markdownFiles, readProjectFile } from '../../support/documentation/markdown-file.ts'

const decisions = markdownFiles().filter(({ path }) => /^docs\/decisions\/\d/.test(path))

test('the index of decisions has every decision once', () => {
  const index = readProjectFile('docs/decisions/README.md')
  const named = [...index.matchAll(/^\| .+ \| \[.*?\]\((\S+?)\) \|$/gm)].map(([, file]) => `docs/decisions/${file}`)
  expect(named.toSorted()).toEqual(decisions.map(({ path }) => path).toSorted())
})

test.each(decisions)('$path has its parts, and the date of its name', ({ path, text }) => {
  const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  const parts = ['Context', 'Decision', 'Consequences', 'Rejected alternatives']
  expect(headings).toEqual(expect.arrayContaining(parts))
  const date = /^Date: (\d{4}-\d\d-\d\d)/m.exec(text)?.[1]
  expect(path).toContain(`/${date?.replaceAll('-', '')}-`)
})
