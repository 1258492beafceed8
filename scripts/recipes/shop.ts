import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { faults, type PolarisSimulator, startPolarisSimulator } from '../../test/polaris/polaris-simulator.ts'
import { says, startConnector } from '../../test/support/connector-process.ts'
import { startKafka } from '../../test/support/servers/kafka-broker.ts'
import { readTopicUntil, type TopicRecord } from '../../test/support/topic-reader.ts'
import { type Row, rowOf } from './rows.ts'

/** A shop, a broker, and a connector that publishes the shop's clients. */
export interface Shop {
  readonly brokers: string
  readonly topic: string
  /** For files of the recipe; removed when the process exits. */
  readonly folder: string
  /** Starts the connector again, with more settings. */
  restart(more: Readonly<Record<string, string>>): Promise<void>
  /** Clients change, are added, deleted, returned and erased. Resolves when the topic has all of it. */
  day(): Promise<void>
  /** The clients that a table of the topic must contain now. */
  rows(): Row[]
}

export interface ShopOptions {
  /** At the start. Default: 3,000. */
  readonly clients?: number
  /** Settings of the connector besides those of every shop. */
  readonly settings?: Readonly<Record<string, string>>
}

const CHANGES = 300
/** Of a page, so that the backfill takes more than an instant. */
const LATENCY_MS = 50
const WITHIN_MS = 90_000
const topic = 'client.modified'

/** Some clients change while the backfill reads the others. Resolves when the topic has every client. */
export async function openShop(options: ShopOptions = {}): Promise<Shop & { close(): Promise<void> }> {
  const closing = closeStack()
  const folder = mkdtempSync(join(tmpdir(), 'recipe-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  try {
    const kafka = closing.use(await startKafka(), (one) => one.close())
    const simulator = closing.use(await startPolarisSimulator({ clients: options.clients ?? 3000 }), (one) =>
      one.close(),
    )
    simulator.faults.when(() => true, faults.latency(LATENCY_MS))
    const brokers = kafka.bootstrap
    const environment = { ...settings(brokers, simulator, folder), ...options.settings }
    let connector = startConnector(['run'], environment)
    closing.use('connector', () => connector.kill())
    await connector.line(says('new stream claimed'), WITHIN_MS)
    for (let change = 0; change < CHANGES; change += 1) simulator.change() // beside the backfill
    await connector.line(says('caught up'), WITHIN_MS)
    const erased = new Set<string>()
    const erase = async (client: string) => {
      const command = startConnector(['erase', '--client', client, '--reason', 'the client asked for it'], environment)
      if ((await command.exitCode()) !== 0) throw new Error(`erase failed: ${command.output()}`)
      erased.add(client)
    }
    const parts = { brokers, simulator, erased, gone: new Set<string>(), erase }
    await published(parts)
    return {
      ...{ brokers, topic, folder },
      restart: async (more) => {
        await connector.stop()
        connector = startConnector(['run'], Object.assign(environment, more))
      },
      day: () => day(parts),
      rows: () => rowsOf(parts),
      close: () => closing.close(),
    }
  } catch (error) {
    await closing.close()
    throw error
  }
}

function settings(brokers: string, simulator: PolarisSimulator, folder: string): Record<string, string> {
  return {
    CONNECTOR_ID: 'shops',
    KAFKA_TOPIC: topic,
    KAFKA_BROKERS: brokers,
    HTTP_PORT: '0',
    PLACEMENT: 'single',
    POLARIS_URL: simulator.url,
    POLARIS_CODE_MAGASIN: '1',
    POLARIS_LAST_CHANGED: '2000-01-01',
    POLARIS_LIMIT: '200',
    POLL_INTERVAL: '200ms',
    POLL_FULL_SCAN_EVERY: '2s',
    REMOVED_MODE: 'tombstone',
    CHECKPOINT_URL: `file:${join(folder, 'checkpoint')}`,
  }
}

interface ShopParts {
  readonly brokers: string
  readonly simulator: PolarisSimulator
  readonly erased: Set<string>
  /** Deleted in the back office. */
  readonly gone: Set<string>
  erase(client: string): Promise<void>
}

async function day(parts: ShopParts): Promise<void> {
  const { simulator, gone } = parts
  for (let change = 0; change < CHANGES; change += 1) simulator.change()
  simulator.add(5)
  const [erased = '', returned = '', ...deleted] = simulator.clientIds.slice(10, 15)
  for (const client of [returned, ...deleted]) gone.add(client)
  simulator.remove([...gone])
  await parts.erase(erased)
  await published(parts)
  simulator.restore([returned])
  gone.delete(returned)
  await published(parts)
}

/** Waits until the newest record of every client is its present state. */
async function published(parts: ShopParts): Promise<void> {
  const present = new Map(rowsOf(parts).map((row) => [row.No, row.NoVersion]))
  const isEnough = (records: readonly TopicRecord[]) => {
    const newest = new Map(records.map((record) => [record.key, record]))
    return parts.simulator.clientIds.every((client) => versionIn(newest.get(client)) === present.get(client))
  }
  await readTopicUntil(parts.brokers, topic, { withinMs: WITHIN_MS, follows: true, isEnough })
}

/** `NoVersion` of the client in an event of either mode; undefined in a tombstone. */
function versionIn(record: TopicRecord | undefined): string | undefined {
  const isBinary = record?.headers.ce_specversion !== undefined
  const value = record?.value as { data?: Row } | Row | undefined
  return (isBinary ? (value as Row | undefined) : (value as { data?: Row } | undefined)?.data)?.NoVersion
}

function rowsOf({ simulator, erased, gone }: ShopParts): Row[] {
  const present = simulator.clientIds.filter((client) => !erased.has(client) && !gone.has(client))
  return present.map((client) => rowOf(simulator.fieldsOf(client)))
}
