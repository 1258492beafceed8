import { deflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decodeMemberData, encodeMemberData } from '../../../../connector/kafka/group/member-data.ts'
import type { HashedSettings } from '../../../../connector/placement/hashed-settings.ts'
import { hashedStreams } from '../../../support/hashed-streams.ts'

const settings = hashedStreams('paris')
const compressed = (value: unknown) => deflateRawSync(JSON.stringify(value))

test('the data of a member are decoded as they were encoded', () => {
  const data = { held: [3, 1], silentMs: 250, settings }
  expect(decodeMemberData(encodeMemberData(data))).toEqual(data)
})

test('a new member, which the group never answered, reports its configuration too', () => {
  expect(decodeMemberData(encodeMemberData({ held: [], silentMs: Number.POSITIVE_INFINITY, settings }))).toEqual({
    ...{ held: [], silentMs: Number.MAX_SAFE_INTEGER, settings },
  })
})

test.each([
  ['no data', Buffer.alloc(0)],
  ['text', Buffer.from('{"held":[1],"silentMs":1}')],
  ['null', compressed(null)],
  ['no configuration', compressed({ held: [1], silentMs: 1 })],
  ['text for slots', compressed({ held: ['1'], silentMs: 1, settings })],
  ['no silentMs', compressed({ held: [1], settings })],
  ['a list of streams', compressed({ held: [1], silentMs: 1, settings: { shared: {}, streams: [] } })],
  ['numbers as hashes', compressed({ held: [1], silentMs: 1, settings: { shared: { a: 1 }, streams: {} } })],
])('a member that sends %s has no known data', (_, bytes) => {
  expect(decodeMemberData(bytes)).toBeUndefined()
})

test('the data of 30 replicas with 200 streams of 60 settings fit into one record of Kafka, 1 MB', () => {
  const hash = (text: string) => Buffer.from(text).toString('base64url').slice(-6)
  const paths = Array.from({ length: 60 }, (_, index) => `section.setting-${index}`)
  const streamOf = (index: number) => {
    const own = (path: string, at: number) => (at < 8 ? hash(`${index} ${path}`) : hash(path))
    return [`shop-${index}`, Object.fromEntries(paths.map((path, at) => [path, own(path, at)]))]
  }
  const streams = Object.fromEntries(Array.from({ length: 200 }, (_, index) => streamOf(index)))
  const many: HashedSettings = { shared: {}, streams }
  expect(encodeMemberData({ held: [], silentMs: 0, settings: many }).length * 30).toBeLessThan(1_000_000)
})
