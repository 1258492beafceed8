import { expect, test } from 'vitest'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { aclLines } from '../../../../connector/inspect/doctor/needed-acls.ts'
import { readProjectFile } from '../../../support/documentation/markdown-file.ts'
import { fromFile, valid } from '../../config/config-sources.ts'

function configured({ streams, more = '' }: { streams: readonly string[]; more?: string }) {
  const polaris = 'polaris: { url: "https://polaris.example.com", codeMagasin: 1, lastChanged: "2026-01-01" }'
  const yaml = [
    'connector: shop',
    'kafka: { brokers: [kafka-1:9092], sasl: { mechanism: scram-sha-512, username: connector, password: x } }',
    'checkpoint: { url: "s3://bucket/shop" }',
    'streams:',
    ...streams.map((stream) => `  - { ${stream}, ${polaris} }`),
    more,
  ]
  return connectorConfig(valid(fromFile(yaml.join('\n'), {})))
}

test('docs/security.md shows what doctor --acls prints', () => {
  const lines = aclLines(configured({ streams: ['name: lyon'] }))
  expect(lines).toContain(
    'kafka-acls.sh --bootstrap-server kafka-1:9092 --add --allow-principal User:connector --operation Write --operation Read --topic client.modified',
  )
  expect(readProjectFile('docs/security.md')).toContain(`\`\`\`sh\n${lines.join('\n')}\n\`\`\``)
})

test('quotes a principal that a shell would not take as it is', () => {
  const config = configured({ streams: ['name: lyon'] })
  const principalsOf = (username: string) => {
    const sasl = { mechanism: 'plain', username, password: 'x' } as const
    return aclLines({ ...config, kafka: { ...config.kafka, sasl } }).at(-1)
  }
  expect(principalsOf('CN=it, OU=a')).toContain("--allow-principal 'User:CN=it, OU=a' --operation")
  expect(principalsOf("o'neil$x")).toContain(String.raw`--allow-principal 'User:o'\''neil$x' --operation`)
})

test('lists what streams share once, and nothing that the configuration does not need', () => {
  const more = 'placement: { mode: single }'
  const streams = ['name: lyon', 'name: paris, kafka: { topic: paris, deadLetterTopic: client.modified.dlq }']
  const lines = aclLines(configured({ streams, more }))
  const ending = (end: string) => lines.filter((line) => line.endsWith(end))
  expect(ending('--operation Write --operation Read --topic client.modified.dlq')).toHaveLength(1)
  expect([...ending(' shop'), ...ending('.slots')]).toEqual([])
  const created = lines.flatMap((line) => /--operation Create --topic (.*)/.exec(line)?.[1] ?? [])
  expect(created).toEqual(['client.modified', 'client.modified.dlq', 'paris'])
})
