import { expect, test } from 'vitest'
import { checkpointKey, parseCheckpointUrl, segmentsKey } from '../../../connector/storage/checkpoint-store-config.ts'

const good: [string, object][] = [
  ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
  ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
  ['s3://my.bucket-1/a/b/', { kind: 's3', bucket: 'my.bucket-1', prefix: 'a/b' }],
  ['file:checkpoints', { kind: 'file', directory: 'checkpoints' }],
  ['file:./a/b', { kind: 'file', directory: './a/b' }],
  ['file:/var/lib/checkpoints', { kind: 'file', directory: '/var/lib/checkpoints' }],
  ['file:///var/lib/check%20points', { kind: 'file', directory: '/var/lib/check points' }],
]
test.each(good)('parses CHECKPOINT_URL %s', (url, place) => {
  expect(parseCheckpointUrl(url)).toEqual(place)
})

const bad = [
  '',
  's3:',
  's3://',
  's3://UPPER',
  's3://b',
  'file:',
  'file://host/path',
  'https://bucket',
  '/var/lib',
  's3://bucket/a?b',
]
test.each(bad)('rejects CHECKPOINT_URL "%s" without repeating it in the error', (url) => {
  expect(() => parseCheckpointUrl(url)).toThrow('CHECKPOINT_URL: must be s3://bucket/prefix or file:directory')
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
