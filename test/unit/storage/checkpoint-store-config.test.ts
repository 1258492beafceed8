import { expect, test } from 'vitest'
import { checkpointKey, parseCheckpointUrl } from '../../../connector/storage/checkpoint-store-config.ts'

const good: [string, object][] = [
  ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
  ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
  ['s3://my.bucket-1/a/b/', { kind: 's3', bucket: 'my.bucket-1', prefix: 'a/b' }],
  ['file:checkpoints', { kind: 'file', directory: 'checkpoints' }],
  ['file:./a/b', { kind: 'file', directory: './a/b' }],
  ['file:/var/lib/checkpoints', { kind: 'file', directory: '/var/lib/checkpoints' }],
  ['file:///var/lib/check%20points', { kind: 'file', directory: '/var/lib/check points' }],
]
test.each(good)('CHECKPOINT_URL %s names a place', (url, place) => {
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
test.each(bad)('CHECKPOINT_URL "%s" is refused without repeating it', (url) => {
  expect(() => parseCheckpointUrl(url)).toThrow('CHECKPOINT_URL: not s3://bucket/prefix or file:directory')
})

test('the key of a stream names connector and stream', () => {
  expect(checkpointKey('shop', 'paris')).toBe('shop/paris.json')
})
