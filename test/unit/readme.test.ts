import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test.each(['client-modified.json', 'dead-letter.json'])('the README shows the golden example %s as it is', (name) => {
  expect(read('README.md')).toContain(read(`test/fixtures/events/${name}`).trimEnd())
})

test('every file that the README links to is there', () => {
  const links = [...read('README.md').matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path ?? '')
  expect(links.length).toBeGreaterThan(5)
  for (const path of links) expect(() => read(path), path).not.toThrow()
})
