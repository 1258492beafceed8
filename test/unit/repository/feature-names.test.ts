import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readProjectFile } from '../../support/documentation/markdown-file.ts'

/** What knows no feature of the pipeline: a new one is a folder and a line in `feature-list.ts`. */
const core = [
  'pipeline/pipeline.ts',
  'pipeline/gather-group.ts',
  'pipeline/delivery.ts',
  'pipeline/scan-progress.ts',
  ...['pipeline/group', 'pipeline/read', 'scan', 'checkpoint', 'index'].flatMap((folder) =>
    readdirSync(new URL(`../../../connector/${folder}`, import.meta.url)).map((file) => `${folder}/${file}`),
  ),
]

/** The lines of a text that name a feature. */
const naming = (text: string) => text.split('\n').filter((line) => /\b(?:eras|republi)/i.test(line))

test.each(core)('%s names no feature of the pipeline', (file) => {
  expect(naming(readProjectFile(`connector/${file}`))).toEqual([])
})

test('a feature is named in an import, a comment or a value', () => {
  const named = [
    "import { erase } from './erase.ts'",
    '/** Clients that are published again (republish). */',
    "kind: 'republish'",
  ]
  expect(naming([...named, 'store.remove(name)'].join('\n'))).toEqual(named)
})
