import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventModes } from '../../connector/event/cloud-event/event-form.ts'
import { closingAfterAll, temporaryFolder } from '../support/closing.ts'
import { javaProgram, printed } from '../support/consumers/program.ts'
import { erasureOf, recordOfChange } from '../support/consumers/random-topic.ts'
import { markdownFile } from '../support/documentation/markdown-file.ts'

// The converters and transformations of Kafka Connect and the sink for MongoDB process records as the guide configures them.

const closing = closingAfterAll()
const source = '/polaris/shops/clients'

test('a sink for schemaless JSON replaces and deletes clients in both modes; one that needs a schema gets none', async () => {
  const block = markdownFile('docs/consumer-guide.md').blocks.find(({ language }) => language === 'properties')
  const file = join(temporaryFolder(closing), 'sink.properties')
  writeFileSync(file, block?.text ?? '')
  const changes = eventModes.map(
    (mode, at) => recordOfChange({ source, client: '042', solde: '12.50', mode }, at).record,
  )
  const erased = erasureOf({ source, client: '042' }, { partitions: 1, hasGrown: false })
  const records = [...changes, ...erased].map(({ key, headers, value }) => {
    return { key, headers, value: value === null ? null : String(value) }
  })
  const command = await javaProgram(closing, ['test/support/consumers/ConnectSink.java'])
  const lines = (await printed([...command, file], records)).trim().split('\n')
  const shown = lines.map((line) => JSON.parse(line))
  const replace = { _id: '042' }
  const replaced = { replace, by: { _id: '042', No: '042', Nom: 'Zoé "Ωmega"', Solde: 12.5 } }
  expect(shown.map(({ write }) => write)).toEqual([replaced, replaced, { delete: replace }])
  expect(shown.map(({ hasSchema }) => hasSchema)).toEqual([false, false, false])
  expect(shown.map(({ withSchemas }) => withSchemas)).toEqual(['DataException', 'DataException', undefined])
}, 180_000)
