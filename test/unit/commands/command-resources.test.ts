import { expect, test } from 'vitest'
import { onlyStream } from '../../../connector/commands/command-resources.ts'
import type { StreamConfig } from '../../../connector/config/connector-config.ts'

const streams = [{ name: 'paris' }, { name: 'lyon' }] as StreamConfig[]

test('names an unknown stream as the operator wrote it', () => {
  expect(() => onlyStream({ stream: 'lion' }, streams)).toThrow('unknown stream lion; must be one of paris, lyon')
})

test('asks for a stream when there are several', () => {
  expect(() => onlyStream({}, streams)).toThrow('name one of the streams: paris, lyon')
})
