import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { markdownFile, markdownFiles, readProjectFile } from '../../support/documentation/markdown-file.ts'

// All pages are parsed, and their links, anchors and blocks are checked.

const root = new URL('../../../', import.meta.url)
const files = markdownFiles()

test.each(files)('every link in $path has an existing target', ({ links }) => {
  for (const { path, anchor } of links) {
    expect(existsSync(new URL(path, root)), path).toBe(true)
    if (anchor !== undefined) expect(markdownFile(path).anchors, path).toContain(anchor)
  }
})

test.each(files)('every anchor in $path has one target', ({ anchors }) => {
  const repeated = anchors.filter((anchor, at) => anchors.indexOf(anchor) !== at)
  // The heading of the code `bug` has the same anchor.
  expect(repeated.filter((anchor) => anchor !== 'bug')).toEqual([])
})

test('the README links every page', () => {
  const pages = files.map(({ path }) => path).filter((path) => /^docs\/[^/]+\.md$/.test(path))
  expect(pages.length).toBeGreaterThanOrEqual(9)
  const linked = new Set(markdownFile('README.md').links.map(({ path }) => path))
  expect(pages.filter((path) => !linked.has(path))).toEqual([])
})

test.each(['client-modified.json', 'dead-letter.json'])('the consumer guide shows the example %s unchanged', (file) => {
  const example = readProjectFile(`contract/v1/examples/${file}`)
  expect(readProjectFile('docs/consumer-guide.md')).toContain(example.trimEnd())
})

test.each(files)('every JSON and YAML block in $path is valid', ({ blocks }) => {
  for (const { language, text } of blocks) {
    if (language === 'json') expect(() => JSON.parse(text), text).not.toThrow()
    if (language === 'yaml')
      expect(
        parseAllDocuments(text).flatMap(({ errors }) => errors),
        text,
      ).toEqual([])
  }
})
