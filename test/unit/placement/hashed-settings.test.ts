import { expect, test } from 'vitest'
import {
  configurationDifference,
  differenceText,
  type HashedSettings,
} from '../../../connector/placement/hashed-settings.ts'

const own: HashedSettings = {
  shared: { 'kafka.compression': 'x' },
  streams: { paris: { 'polaris.url': 'a' }, lyon: { 'polaris.url': 'b' } },
}
const textOf = (other: HashedSettings | undefined) => {
  const difference = configurationDifference(own, other)
  return difference && differenceText(difference)
}

test('equal configurations do not differ, in whatever order their streams are', () => {
  const { paris = {}, lyon = {} } = own.streams
  expect(textOf({ ...own, streams: { lyon, paris } })).toBeUndefined()
})

test('a difference names the streams and the settings', () => {
  expect(textOf({ shared: { 'kafka.compression': 'y' }, streams: { paris: { 'polaris.url': 'c' }, nice: {} } })).toBe(
    'lacks stream lyon; also has stream nice; different settings: kafka.compression, paris: polaris.url',
  )
})

test('a setting that only one replica has differs', () => {
  const { lyon = {} } = own.streams
  const other = { shared: { 'kafka.idleAfter': 'z' }, streams: { lyon, paris: {} } }
  expect(textOf(other)).toBe('different settings: kafka.compression, kafka.idleAfter, paris: polaris.url')
})

test('a member that reports no configuration differs', () => {
  expect(textOf(undefined)).toBe('does not report its configuration')
})

test('a long list is shortened', () => {
  const names = Array.from({ length: 13 }, (_, index) => `s${index}`)
  const difference = { kind: 'different' as const, missing: names, additional: [], settings: [] }
  expect(differenceText(difference)).toBe('lacks streams s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, and 3 more')
})
