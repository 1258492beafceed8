import { expect, test } from 'vitest'
import { loadWithoutTargets } from '../../../../connector/commands/load-without-targets.ts'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { eventSettings, readingRules } from '../../../../connector/event/configured-events.ts'
import { previewRecords } from '../../../../connector/inspect/preview/preview-records.ts'
import type { ClientRecord } from '../../../../connector/source/client-source.ts'
import { readProjectFile } from '../../../support/documentation/markdown-file.ts'

const environment = { CONNECTOR_ID: 'shops', POLARIS_URL: 'https://p.example', POLARIS_CODE_MAGASIN: '1' }
const sources = (more: Record<string, string> = {}) => ({
  ...{ file: undefined, environment: { ...environment, ...more }, readFile: readProjectFile, now: 0 },
})
const clients = [{ No: '17', Nom: 'Zyx' }, { Nom: 'Zyx' }, { No: '18', Nom: 'Wolph' }]

function previewOf(isMasked: boolean, more: Record<string, string> = {}, read: readonly ClientRecord[] = clients) {
  const config = connectorConfig(loadWithoutTargets(sources({ POLARIS_CLIENT_ID_FIELD: 'No', ...more })))
  const [stream] = config.streams
  if (stream === undefined) throw new Error('no stream')
  const settings = eventSettings({ connector: 'shops', contractUrl: undefined }, stream)
  return previewRecords(
    { clients: read, place: undefined },
    { stream, rules: readingRules(stream), settings, readAt: 0, isMasked, limit: 3 },
  )
}

test('prints events with the numbers of a new stream, and a client without id as a dead letter', () => {
  const [first, dead, second] = previewOf(false)
  expect(first).toMatchObject({
    ...{ topic: 'client.modified', key: '17' },
    value: { source: '/polaris/shops/clients', sequence: '0'.padStart(20, '0'), subject: '17', data: clients[0] },
  })
  expect(dead).toMatchObject({
    topic: 'client.modified.dlq',
    key: null,
    value: { code: 'client-id-missing', field: 'No' },
  })
  expect(second).toMatchObject({ key: '18', value: { sequence: '1'.padStart(20, '0') } })
})

test('prints no dropped field, and the rules also where values are masked', () => {
  const fields = { EVENT_FIELDS: 'Nom: drop' }
  expect(previewOf(false, fields)[0]?.value).toMatchObject({ fieldrules: 'nom=drop', data: { No: '17' } })
  expect(JSON.stringify(previewOf(false, fields))).not.toContain('Zyx')
  expect(previewOf(true, fields)[0]?.value).toMatchObject({ fieldrules: 'nom=drop' })
})

test('invariant 8: masks key and value', () => {
  const shown = JSON.stringify(previewOf(true))
  for (const text of ['17', 'Zyx', 'Wolph', previewOf(false)[0]?.value.id]) expect(shown).not.toContain(text)
})

test('is refused, like the page, while none of the clients has an id', () => {
  const refused = () => previewOf(false, {}, [{ Nom: 'Zyx' }, { Nom: 'Wolph' }])
  expect(refused).toThrow(expect.objectContaining({ code: 'source.mapping' }))
})

test('needs neither brokers nor a checkpoint store, but everything else', () => {
  expect(loadWithoutTargets(sources()).connector).toBe('shops')
  expect(loadWithoutTargets(sources({ KAFKA_BROKERS: 'k:1' })).connector).toBe('shops')
  expect(() => loadWithoutTargets(sources({ POLARIS_URL: '' }))).toThrow(/POLARIS_URL/)
})
