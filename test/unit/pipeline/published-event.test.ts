import { expect, test } from 'vitest'
import { streamCheckpoint, writeDocument } from '../../../connector/checkpoint/stream-checkpoint.ts'
import { beginning, firstDocument } from '../../../connector/checkpoint/transitions.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { streamIndex } from '../../../connector/index/stream-index.ts'
import { pageGroupDelivery } from '../../../connector/pipeline/delivery.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { withoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { fakeKafka } from '../../support/fakes/fake-event-publisher.ts'
import { memoryStore } from '../../support/fakes/memory-versioned-object.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { historyOf } from '../../support/scans.ts'
import { never } from '../../support/signals.ts'
import { entry, key } from '../index/entries.ts'

const identity = {
  connector: 'shop',
  stream: 'clients',
  eventSource: '/polaris/shop/clients',
  source: { url: 'http://polaris', codeMagasin: 1, prefixCle: null },
  destination: { clusterId: 'c', topic: 't', topicId: 'i', partitions: 1 },
}
const segment = { name: '1-a', tier: 0, from: 0, to: 3, entries: 3, sha256: '' } as const

test('a delivered group reports the scans after it, and the size of the client index', async () => {
  const clock = virtualClock(0)
  const store = memoryStore()
  const events: PipelineEvent[] = []
  const state = { ...beginning, index: { ...beginning.index, segments: [segment] } }
  const document = firstDocument(state, { nonce: 'n', at: 0, owner: 'r', producerId: '7', identity })
  const parts = {
    object: store.object('key'),
    clock,
    newNonce: () => 'n',
    observe: () => {},
    onWritten: () => {},
    index: streamIndex(store.segments('key')),
  }
  const version = await writeDocument(parts, { document, expected: null }, never)
  const table = clientTable()
  for (const client of [1, 2, 3]) table.set(key(client), entry(client))
  const checkpoint = streamCheckpoint({ document, version, table }, parts)
  const publisher = fakeKafka({ partitions: 1, clock }).publisher({
    connector: 'shop',
    stream: 'clients',
    replica: 'r',
  })
  const producer = await publisher.open(withoutCheckpoint, never)
  const delivery = pageGroupDelivery(
    {
      clock,
      savePeriodMs: 60_000,
      observe: (event) => events.push(event),
      onDelivered: () => {},
      deliverWithinMs: 1000,
      giveUp: never,
    },
    { checkpoint, producer },
  )
  const scans = { ...state.scans, history: historyOf('done') } as const
  const change = { scans, events: 0, mapping: null, entries: '' }
  const group = {
    pages: 1,
    records: [],
    deadLetters: 0,
    scans: new Map(),
    changedAt: [-3_000],
    newestChange: 7_000,
    size: 0,
    hasLiveEnd: true,
    change,
  }
  await delivery.deliver({ group, events: [{ kind: 'fell-behind' }] })
  expect(events).toMatchObject([
    {
      kind: 'pages-published',
      delays: [3_000],
      newestChange: 7_000,
      hasLiveEnd: true,
      states: scans,
      index: { clients: 3, memoryBytes: table.bytes(), segments: 1 },
    },
    { kind: 'fell-behind' },
  ])
  expect(table.bytes()).toBeGreaterThan(0)
})
