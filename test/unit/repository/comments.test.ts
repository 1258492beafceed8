import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// The comments of all sources are searched.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const comments = globSync('connector/**/*.ts', { cwd: root }).flatMap((file) =>
  (readFileSync(root + file, 'utf8').match(/^ *(?:\/\*\*|\*|\/\/).*$/gm) ?? []).map((line) => ({ file, line })),
)

test('no comment is wider than 120 columns', () => {
  expect(comments.length).toBeGreaterThan(2000)
  expect(comments.filter(({ line }) => line.length > 120)).toEqual([])
})

const paths = comments.flatMap(({ file, line }) =>
  [...line.matchAll(/\b(?:bench|config|connector|contract|docs|helm|scripts|test)\/[\w./-]*\w/g)].map(([path]) => ({
    file,
    path,
  })),
)

test('every path that a comment names exists', () => {
  expect(paths.filter(({ path }) => !existsSync(root + path))).toEqual([])
})

test('code names every decision that explains it', () => {
  const named = new Set(paths.map(({ path }) => path))
  expect(readdirSync(`${root}docs/decisions`).filter((file) => !named.has(`docs/decisions/${file}`))).toEqual([])
})
