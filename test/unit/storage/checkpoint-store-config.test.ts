import { expect, test } from 'vitest'
import { checkpointKey, checkpointPlace, segmentsKey } from '../../../connector/storage/checkpoint-store-config.ts'

const good: [string, object][] = [
  ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
  ['s3://my.bucket-1/a/b/', { kind: 's3', bucket: 'my.bucket-1', prefix: 'a/b' }],
  ['file:./a/b', { kind: 'file', directory: './a/b' }],
  ['file:///var/lib/check%20points', { kind: 'file', directory: '/var/lib/check points' }],
]
test.each(good)('parses CHECKPOINT_URL %s', (url, place) => {
  expect(checkpointPlace(url)).toEqual(place)
})

const form = 'must be s3://bucket/prefix or file:directory'
const bucketName = 'must have a valid bucket name: 3 to 63 lower-case letters, digits, dots and hyphens'
const tilde = 'must not begin with ~, which is not expanded'
const bad: [string, string][] = [
  ['s3://', form],
  ['s3://UPPER', bucketName],
  ['s3://b', bucketName],
  ['file://host/path', form],
  ['file:~/checkpoints', tilde],
  ['https://bucket', form],
  ['s3://bucket/a?b', form],
]
test.each(bad)('rejects CHECKPOINT_URL "%s" with the reason, without repeating it', (url, why) => {
  expect(checkpointPlace(url)).toContain(why)
})

test('the key of a checkpoint consists of connector and stream', () => {
  expect(checkpointKey('shop', 'paris')).toBe('shop/paris.json')
})

test('puts the segments of a stream beside its document, apart from every other stream', () => {
  const keys = ['stream', 'stream-2', 'stream.index', 'stream.json'].map((stream) => checkpointKey('shop', stream))
  expect(keys.map(segmentsKey)).toEqual([
    'shop/stream.index',
    'shop/stream-2.index',
    'shop/stream.index.index',
    'shop/stream.json.index',
  ])
})
