import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sourcePlace } from '../../../connector/telemetry/source-place.ts'

const folder = mkdtempSync(join(tmpdir(), 'source-place-'))
const bundled = join(folder, 'dist/chunk.mjs')

beforeAll(async () => {
  const source = join(folder, 'thrower.ts')
  writeFileSync(source, 'export const a = 1\n\nthrow new Error(String(a))\n')
  await build({ entryPoints: [source], outfile: bundled, bundle: true, format: 'esm', minify: true, sourcemap: true })
  writeFileSync(join(folder, 'dist/damaged.mjs.map'), '{')
})
afterAll(() => rmSync(folder, { recursive: true }))

const sourceOf = (place: string) => sourcePlace(place, join(folder, 'dist/'))

test('finds the place in the source from which a place in the bundle was made', () => {
  // In a process of its own: this one finds the source by itself.
  const { stderr } = spawnSync(process.execPath, [bundled])
  const place = /at file:\/\/(\S+)/.exec(String(stderr))?.[1] ?? ''
  expect(place).toMatch(/chunk\.mjs:1:\d+$/)
  expect(sourceOf(place)).toBe('../thrower.ts:3:7')
  expect(sourcePlace(place), 'outside of the bundle').toBe(place)
})

test('keeps a place without a readable source map', () => {
  for (const name of ['damaged', 'none']) {
    const place = `${join(folder, `dist/${name}.mjs`)}:1:1`
    expect(sourceOf(place)).toBe(place)
  }
})
