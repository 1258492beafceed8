import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { schemaFiles } from '../../../connector/event/event-schema.ts'
import { scanCompleted } from '../../../connector/event/scan-completed.ts'

const example = JSON.parse(
  readFileSync(new URL('../../../contract/v1/examples/scan-completed.json', import.meta.url), 'utf8'),
)

const completed = {
  scan: 'backfill' as const,
  lastChanged: '2020-01-01T00:00:00',
  startedAt: Date.parse('2026-06-15T08:00:00Z'),
  endedAt: Date.parse('2026-06-15T10:00:00Z'),
  confirmed: true,
  pages: 119,
  clients: 11890,
  events: 11904,
}
const place = {
  source: '/polaris/shops/clients',
  topic: 'client.modified',
  endOffsets: [1998n, 2012n, 1975n, 2040n, 1987n, 2010n],
  nonce: '7f0a2c1e-3a52-4b19-8f0b-2f7f6f0c9a10',
}

test('a completed scan becomes exactly the event of the golden example, which fits its schema', () => {
  const { to, key, value, headers } = scanCompleted(completed, place)
  expect([to, key]).toEqual(['progress', '/polaris/shops/clients/backfill'])
  expect(JSON.parse(value)).toEqual(example)
  const ajv = new Ajv2020({ strict: true })
  addFormats.default(ajv)
  expect(ajv.validate({ ...schemaFiles()['v1/scan-completed.schema.json'] }, example), ajv.errorsText()).toBe(true)
  expect(Object.keys(example.data)).toEqual(Object.keys(completed).concat('topic', 'endOffsets'))
  expect(headers).toEqual({
    'content-type': 'application/cloudevents+json',
    ce_type: 'scan.completed',
    ce_source: '/polaris/shops/clients',
  })
})

test('its id depends on the stream and on its transaction, and on nothing else', () => {
  const idOf = (more: Partial<typeof completed & typeof place> = {}) =>
    JSON.parse(scanCompleted({ ...completed, ...more }, { ...place, ...more }).value).id
  expect(idOf({ endedAt: 0, endOffsets: [] })).toBe(idOf())
  expect(new Set([idOf(), idOf({ nonce: 'other' }), idOf({ source: '/polaris/shops/other' })]).size).toBe(3)
})
