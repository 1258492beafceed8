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

describe('the release notes', () => {
  test('are the complete section of the version, and nothing else', () => {
    expect(changelogSection(changelog, '1.1.0')).toBe('### Added\n\n- More.\n\n### Fixed\n\n- Less.')
    expect(changelogSection(changelog, '1.0.0')).toBe('- First.')
  })
  test.each(['1.2.0', '1.1', '1.0', '0.9.0'])('are undefined for %s, whose section is missing or empty', (version) => {
    expect(changelogSection(changelog, version)).toBeUndefined()
  })
})

describe('a release', () => {
  const good: ReleaseState = {
    ...{ version: '1.1.0', changelog, tag: 'v1.1.0', uncommitted: '' },
    ...{ baseImages: ['NODE_IMAGE=docker.io/library/node:24.0.0'], standInsAllowed: false },
  }
  test('is allowed when nothing is wrong, with or without a tag', () => {
    expect(whyNoRelease(good)).toEqual([])
    expect(whyNoRelease({ ...good, tag: undefined })).toEqual([])
  })
  test.each<[string, Partial<ReleaseState>, RegExp]>([
    ['the changelog has no section for it', { version: '1.2.0', tag: undefined }, /no section \[1\.2\.0\]/],
    ['its version is not semantic', { version: '1.1', tag: undefined }, /must be a semantic version, not 1\.1/],
    ['the tag is of another version', { tag: 'v1.0.0' }, /v1\.0\.0 must be v1\.1\.0/],
    ['there are uncommitted changes', { uncommitted: ' M README.md' }, /uncommitted changes:\n M README\.md/],
    ['a base image is a stand-in', { baseImages: ['NODE_IMAGE=localhost/stand-in/node:24'] }, /stand-ins/],
  ])('is refused when %s', (_, change, why) => {
    expect(whyNoRelease({ ...good, ...change }).join('\n')).toMatch(why)
  })
  test('is refused with every reason at once', () => {
    expect(whyNoRelease({ ...good, tag: 'v2', uncommitted: '?? x', version: '3.0.0' })).toHaveLength(3)
  })
  test('may use stand-ins when it is a trial', () => {
    expect(whyNoRelease({ ...good, baseImages: ['X=localhost/stand-in/x'], standInsAllowed: true })).toEqual([])
  })
})

test('the lock file and the chart have the version of package.json', () => {
  const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
  const { version } = JSON.parse(read('package.json'))
  expect(JSON.parse(read('package-lock.json')).version).toBe(version)
  expect(read('helm/Chart.yaml').match(/^(version|appVersion): .*$/gm)).toEqual([
    `version: ${version}`,
    `appVersion: ${version}`,
  ])
})
