import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import type { StoredEvent } from '../../../connector/event/cloud-event/stored-event.ts'
import { streamNames } from '../../../connector/publish/event-publisher.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import type { ClientSource } from '../../../connector/source/client-source.ts'
import { closingAfterAll } from '../../support/closing.ts'
import { eventsReader } from '../../support/events-reader.ts'
import { runAlone } from '../../support/run-alone.ts'
import { startKafka } from '../../support/servers/kafka-broker.ts'
import { setQuota } from '../../support/servers/kafka-wire.ts'
import { never } from '../../support/signals.ts'
import { streamConfig, streamPublisher } from '../../support/stream-publisher.ts'
import { pageOf, token } from '../../unit/pipeline/readings.ts'
import { beginAt, stage } from '../../unit/stream/open/open-parts.ts'

// A real broker with quotas: what is written above one is answered late, what is read above one is answered empty.

const closing = closingAfterAll()
const WRITTEN_PER_SECOND = 20_000
/** More than the batch of an aborted group: a broker never returns one that is larger than its quota of a window. */
const READ_PER_SECOND = 300_000
const PAGES = 12
/** A page takes a second of the quota, all of them together longer than a delivery may take. */
const CLIENTS_OF_A_PAGE = 5
const CLIENT_BYTES = 4_000
const DELIVER_WITHIN_MS = 5_000
let bootstrap: string

beforeAll(async () => {
  // The broker remembers two seconds only, so that throttle times are seconds.
  const cluster = closing.use(await startKafka({ properties: { 'quota.window.num': '2' } }), (one) => one.close())
  bootstrap = cluster.bootstrap
})

const clients = Array.from({ length: PAGES * CLIENTS_OF_A_PAGE }, (_, at) => ({
  No: `${at}`,
  Nom: randomBytes(CLIENT_BYTES / 2).toString('hex'),
}))

/** The history has all clients; live scans find nothing. */
const source: ClientSource = {
  read: async ({ lastChanged, checkPoint }) => {
    if (lastChanged !== beginAt) return pageOf([])
    const page = checkPoint === null ? 0 : Number(checkPoint.slice(1))
    const own = clients.slice(page * CLIENTS_OF_A_PAGE, (page + 1) * CLIENTS_OF_A_PAGE)
    return pageOf(own, { hasMoreResults: page < PAGES - 1, checkPoint: token(`t${page + 1}`) })
  },
}

async function limit(topic: string, name: 'producer' | 'consumer', bytesPerSecond: number): Promise<string> {
  const [host = '', port] = bootstrap.split(':')
  const { clientId } = streamNames('test', topic)
  await setQuota({ host, port: Number(port) }, { clientId, name, bytesPerSecond })
  return clientId
}

test('a history whose page groups exceed a quota is published page by page, and read within a quota', {
  timeout: 180_000,
}, async () => {
  const topic = randomUUID()
  const clientId = await limit(topic, 'producer', WRITTEN_PER_SECOND)
  const config = streamConfig(bootstrap, topic)
  const on = stage({ source })
  const clock = systemClock
  const openParts = {
    ...on.openParts,
    identity: { ...on.openParts.identity, connector: 'test', stream: topic },
    topic,
    clock,
    publisher: streamPublisher(closing, config),
  }
  const readerParts = { ...on.pipelineParts.readerParts, clock, endsWhen: 'caught-up' as const }
  const pipelineParts = {
    ...on.pipelineParts,
    clock,
    readerParts,
    groupMaxValueBytes: 1_000_000,
    deliverWithinMs: DELIVER_WITHIN_MS,
  }
  expect(await runAlone({ ...on.streamParts, openParts, pipelineParts, clock, whenHeld: 'waits' }, never)).toEqual({
    kind: 'caught-up',
  })
  expect(on.failures().length).toBeGreaterThan(0)

  await limit(topic, 'consumer', READ_PER_SECOND)
  const found = new Set<string>()
  const reading = { find: ({ key }: StoredEvent) => key ?? undefined, onVisible: (key: string) => void found.add(key) }
  await eventsReader(config, clientId)(reading, never)
  expect(found.size).toBe(clients.length)
})
