import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { changelogSection } from '../../../scripts/release/changelog.ts'
import { type ReleaseState, whyNoRelease } from '../../../scripts/release/why-not.ts'

const changelog = `# Changelog

## [Unreleased]

### Added

- Not yet.

## [1.1.0] - 2026-03-01

### Added

- More.

### Fixed

- Less.

## [1.0.0] - 2026-02-01

- First.

## [0.9.0] - 2026-01-01

[1.1.0]: https://example.com/1.1.0
`

describe('the notes of a release', () => {
  test('are the section of its version, whole and nothing else', () => {
    expect(changelogSection(changelog, '1.1.0')).toBe('### Added\n\n- More.\n\n### Fixed\n\n- Less.')
    expect(changelogSection(changelog, '1.0.0')).toBe('- First.')
  })
  test.each(['1.2.0', '1.1', '1.0', '0.9.0'])('%s has none: no section, or nothing in it', (version) => {
    expect(changelogSection(changelog, version)).toBeUndefined()
  })
})

describe('there is no release', () => {
  const good: ReleaseState = {
    ...{ version: '1.1.0', changelog, tag: 'v1.1.0', uncommitted: '' },
    ...{ baseImages: ['NODE_IMAGE=docker.io/library/node:24.0.0'], standInsAllowed: false },
  }
  test('unless all is well', () => {
    expect(whyNoRelease(good)).toEqual([])
    expect(whyNoRelease({ ...good, tag: undefined })).toEqual([])
  })
  test.each<[string, Partial<ReleaseState>, RegExp]>([
    ['without a section in the changelog', { version: '1.2.0', tag: undefined }, /no section \[1\.2\.0\]/],
    ['of a version that is none', { version: '1.1', tag: undefined }, /1\.1 in package\.json is no semantic version/],
    ['under the tag of another version', { tag: 'v1.0.0' }, /v1\.0\.0 is not v1\.1\.0/],
    ['of a tree that is not committed', { uncommitted: ' M README.md' }, /uncommitted changes:\n M README\.md/],
    ['on stand-ins', { baseImages: ['NODE_IMAGE=localhost/stand-in/node:24'] }, /stand-ins/],
  ])('%s', (_, change, why) => {
    expect(whyNoRelease({ ...good, ...change }).join('\n')).toMatch(why)
  })
  test('and every reason is told at once', () => {
    expect(whyNoRelease({ ...good, tag: 'v2', uncommitted: '?? x', version: '3.0.0' })).toHaveLength(3)
  })
  test('but for a trial, stand-ins do', () => {
    expect(whyNoRelease({ ...good, baseImages: ['X=localhost/stand-in/x'], standInsAllowed: true })).toEqual([])
  })
})

test('the version is told in one place: the chart follows package.json, the image the release, the command its package.json', () => {
  const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
  const { version } = JSON.parse(read('package.json'))
  expect(JSON.parse(read('package-lock.json')).version).toBe(version)
  expect(read('helm/Chart.yaml').match(/^(version|appVersion): .*$/gm)).toEqual([
    `version: ${version}`,
    `appVersion: ${version}`,
  ])
  expect(read('Dockerfile')).toMatch(/org\.opencontainers\.image\.version="\$\{VERSION\}"/)
})
