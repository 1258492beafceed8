import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Kafka, logLevel } from 'kafkajs'
import { expect, inject, it, onTestFinished } from 'vitest'
import { markdownFile } from '../../support/markdown-file.ts'
import { scene } from '../../support/stream-scene.ts'

it('the reader in the consumer guide shows every client once, no aborted event, and deleted clients', async () => {
  const brokers = inject('kafkaBrokers')
  const here = await scene({ source: { clients: 50 } })
  await here.start({}, ['poll-once']).exitCode()
  const ids = (await here.records()).map(({ key }) => key)
  expect(new Set(ids).size).toBe(50)

  const output = readerOf(here.name, brokers)
  // Same key, same partition: an aborted event would be shown before the last line.
  await publish({ brokers, topic: here.name, key: 'erased', value: '{"data":{}}', ending: 'abort' })
  await publish({ brokers, topic: here.name, key: 'erased', value: null, ending: 'commit' })
  const lines: string[] = []
  for await (const line of output) {
    lines.push(line)
    if (lines.length === 51) break
  }
  const shown = lines.map((line) => /^(\S+) is (gone$|\S.* \(event [0-9a-f]{32}\)$)/.exec(line)?.[1])
  expect(shown.toSorted()).toEqual([...ids, 'erased'].toSorted())
  expect(lines).toContain('erased is gone')
})

/** The lines that the guide's Node program prints; it is stopped after the test. */
function readerOf(topic: string, brokers: string): AsyncIterable<string> {
  const { text = '' } = markdownFile('docs/consumer-guide.md').blocks.find(({ language }) => language === 'js') ?? {}
  const program = text.replace('kafka-1:9092', brokers).replace('client.modified', topic).replaceAll('crm', topic)
  const folder = mkdtempSync('node_modules/.documented-') // inside node_modules, so that it finds kafkajs
  writeFileSync(`${folder}/reader.mjs`, program)
  const child = spawn(process.execPath, [`${folder}/reader.mjs`], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    rmSync(folder, { recursive: true })
  })
  return withoutKafkajsLog(createInterface(child.stdout))
}

/** kafkajs logs JSON lines to the same output. */
async function* withoutKafkajsLog(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) if (!line.startsWith('{')) yield line
}

interface Publication {
  readonly brokers: string
  readonly topic: string
  readonly key: string
  readonly value: string | null
  readonly ending: 'abort' | 'commit'
}

async function publish({ brokers, topic, key, value, ending }: Publication): Promise<void> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ transactionalId: `${topic}-${ending}`, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ key, value }] })
  await transaction[ending]()
  await producer.disconnect()
}
