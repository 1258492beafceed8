import { expect, test } from 'vitest'
import {
  mayHaveBeenPruned,
  newestOf,
  removable,
  versionFile,
  versionsAmong,
} from '../../../../connector/storage/file/version-files.ts'
import type { Version } from '../../../../connector/storage/versioned-object.ts'

const version = (number: number) => String(number).padStart(20, '0') as Version
const files = (...numbers: number[]) => numbers.map((number) => versionFile('a', version(number)))

test('the newest version is the highest number, in any order of the files', () => {
  expect(newestOf(versionsAmong(files(9, 100, 11), 'a'))).toBe(version(100))
  expect(newestOf(versionsAmong([], 'a'))).toBeNull()
})

test('ignores files of other objects, with other names, or partially written', () => {
  const others = [
    versionFile('b', version(9)),
    versionFile('a.a', version(9)),
    'a.9.json',
    '.a.x.tmp',
    `${versionFile('a', version(9))}.tmp`,
  ]
  expect(versionsAmong(others, 'a')).toEqual([])
})

test('all versions but the last ten are removable, oldest first, and temporary files of this object', () => {
  const listed = [...files(3, 12, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11), '.a.x.tmp', '.b.x.tmp']
  expect(removable(listed, 'a')).toEqual([...files(1, 2), '.a.x.tmp'])
})

test('a number may have been used and pruned before when ten newer versions exist', () => {
  const newer = Array.from({ length: 10 }, (_, index) => version(index + 7))
  expect(mayHaveBeenPruned(version(6), [version(6), ...newer])).toBe(true)
  expect(mayHaveBeenPruned(version(6), [version(5), version(6)])).toBe(false)
})
