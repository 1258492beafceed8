import { expect, test } from 'vitest'
import { markdownFiles, readProjectFile } from '../../support/documentation/markdown-file.ts'

const decisions = markdownFiles().filter(({ path }) => /^docs\/decisions\/\d/.test(path))
const index = readProjectFile('docs/decisions/README.md')
const rows = [...index.matchAll(/^\| (\d{4})-(\d\d)-(\d\d) \| \[.*?\]\((\S+?)\) \| (\w+)/gm)].map(
  ([, year = '', month = '', day = '', file = '', status = '']) => ({ date: year + month + day, file, status }),
)

test('the index of decisions has every decision once, with its date', () => {
  const named = rows.map(({ file }) => `docs/decisions/${file}`)
  expect(named.toSorted()).toEqual(decisions.map(({ path }) => path).toSorted())
  for (const { date, file } of rows) expect(file).toContain(date)
})

test('the index of decisions is in the order of their dates, by subject', () => {
  for (const subject of index.split(/^\| \*\*/m).slice(1)) {
    const dates = [...subject.matchAll(/^\| (\d{4}-\d\d-\d\d) /gm)].map(([, date]) => date)
    expect(dates).toEqual(dates.toSorted())
  }
})

test.each(decisions)('$path has its parts, and the status that the index shows', ({ path, text }) => {
  const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  const parts = ['Context', 'Decision', 'Consequences', 'Rejected alternatives']
  expect(headings).toEqual(expect.arrayContaining(parts))
  const status = /^Status: (\w+)/m.exec(text)?.[1]
  expect(status).toBe(rows.find(({ file }) => path.endsWith(file))?.status)
})
