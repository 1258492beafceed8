import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { lastLines } from '../../test/support/connector-process.ts'
import { type ServerProcess, startProcess } from '../../test/support/servers/server-process.ts'
import { openTopic, readTopic, readTopicUntil, type TopicRecord } from '../../test/support/topic-reader.ts'
import { assertSameRows, type Row } from './rows.ts'
import type { Shop } from './shop.ts'

/** A service that writes one record to `LABELS` for each record of the shop's topic, with the header `cause`: its id. */
export const LABELS = 'client.label'

const KILLS = 5
const MOST_PAUSE_MS = 30
/** Longer than a group session and a transaction. */
const WITHIN_MS = 150_000

/**
 * Kills the service while it works, starts it again, and lets a second instance take over from one that stands still.
 * Rejects unless every record has caused exactly one, in the same order, and at least one transaction was interrupted.
 */
export async function exactlyOnceThroughKills(
  shop: Shop,
  commandOf: (instance: string) => readonly [string, ...string[]],
): Promise<string> {
  await createLabels(shop)
  const logFile = join(shop.folder, 'service.log')
  await using closing = closeStack()
  const start = (instance: string) => {
    const [command, ...args] = commandOf(instance)
    return closing.use(startProcess({ command, args, logFile }), (one) => one.end('SIGTERM', 10_000))
  }
  const untilInterrupted = async (service: ServerProcess) => {
    await untilWorking(shop, service)
    await delay(Math.random() * MOST_PAUSE_MS)
  }
  const kill = async (service: ServerProcess, instance: string) => {
    await untilInterrupted(service)
    await service.end('SIGKILL')
    return start(instance)
  }
  try {
    let first = start('labels-0')
    for (let kills = 1; kills < KILLS; kills += 1) first = await kill(first, 'labels-0')
    await untilInterrupted(first)
    signal(first, 'SIGSTOP')
    const second = start('labels-1')
    await untilWorking(shop, second)
    signal(first, 'SIGCONT')
    await shop.restart({ EVENT_MODE: 'binary' })
    await Promise.all([kill(second, 'labels-1'), shop.day()])
    return await compared(shop)
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${lastLines(readFileSync(logFile, 'utf8'))}`)
  }
}

function signal({ pid }: ServerProcess, name: 'SIGSTOP' | 'SIGCONT'): void {
  if (pid !== undefined) process.kill(pid, name)
}

async function createLabels({ brokers, topic }: Shop): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const numPartitions = (await admin.fetchTopicOffsets(topic)).length
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
    await admin.createTopics({ topics: [{ topic: LABELS, numPartitions, configEntries }] })
  })
}

/** Waits until the service has committed something since this call. */
async function untilWorking({ brokers }: Shop, service: ServerProcess): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const committed = async () =>
      (await admin.fetchTopicOffsets(LABELS)).reduce((sum, { high }) => sum + Number(high), 0)
    const before = await committed()
    const giveUpAt = performance.now() + WITHIN_MS
    while ((await committed()) === before) {
      if (!service.isRunning()) throw new Error('the service exited')
      if (performance.now() > giveUpAt) throw new Error('the service writes nothing')
      await delay(5)
    }
  })
}

async function withAdmin<Result>(brokers: string, work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

async function compared({ brokers, topic, rows }: Shop): Promise<string> {
  const causes = (await readTopic(brokers, topic)).map(placeOf)
  const labels = await readTopicUntil(brokers, LABELS, {
    withinMs: WITHIN_MS,
    follows: true,
    isEnough: (found) => found.length >= causes.length,
  })
  for (const partition of new Set(causes.map((one) => one.partition))) {
    const of = (places: readonly Place[]) => places.filter((one) => one.partition === partition).map(({ id }) => id)
    const [written, expected] = [of(labels.map(causeOf)), of(causes)]
    const wrong = expected.findIndex((id, at) => id !== written[at])
    if (wrong >= 0 || written.length > expected.length)
      throw new Error(`partition ${partition}: record ${wrong} of ${expected.length} is lost, doubled or out of order`)
  }
  const newest = new Map(labels.map((label) => [label.key, label.value as Row | undefined]))
  assertSameRows(
    [...newest.values()].filter((row) => row !== undefined),
    rows(),
  )
  const aborted = (await uncommitted(brokers)) - labels.length
  if (aborted <= 0) throw new Error('no transaction was interrupted: run it again')
  return `${labels.length} records, each once and in order, after ${KILLS} kills and a take-over; ${aborted} records were aborted`
}

interface Place {
  readonly partition: number
  readonly id: string | undefined
}

/** Where a record of the shop's topic is, and its id: a header in tombstones and in binary mode. */
function placeOf({ partition, headers, value }: TopicRecord): Place {
  return { partition, id: headers.ce_id ?? (value as { id: string }).id }
}

const causeOf = ({ partition, headers }: TopicRecord): Place => ({ partition, id: headers.cause })

/** How many records the service has written, those of aborted transactions too. */
async function uncommitted(brokers: string): Promise<number> {
  const kafka = { brokers: brokers.split(',') }
  const reader = await openTopic({ kafka, topic: LABELS, from: 'beginning', records: 'aborted too' })
  try {
    let count = 0
    do count += (await reader.poll()).length
    while (!reader.isPastStart())
    return count
  } finally {
    await reader.close()
  }
}
