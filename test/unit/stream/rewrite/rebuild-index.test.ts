import { describe, expect, test } from 'vitest'
import { parseDocument, serializeDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { noStreamRequests } from '../../../../connector/control/stream-requests.ts'
import { sequenceOf } from '../../../../connector/event/cloud-event/stored-event.ts'
import { deadLetterGuard } from '../../../../connector/event/dead-letter.ts'
import {
  type FieldAction,
  type FieldHash,
  fieldAttributes,
  fieldHash,
  fieldRules,
} from '../../../../connector/event/fields/field-rules.ts'
import { presentRules, type ReadingRules } from '../../../../connector/event/read-client.ts'
import { clientKey } from '../../../../connector/index/index-entry.ts'
import type { IndexState } from '../../../../connector/index/index-state.ts'
import { loadTable } from '../../../../connector/index/load-table.ts'
import { streamIndex } from '../../../../connector/index/stream-index.ts'
import type { OpenStream } from '../../../../connector/pipeline/delivery.ts'
import { featureList } from '../../../../connector/pipeline/features/feature-list.ts'
import type { PipelineParts } from '../../../../connector/pipeline/pipeline.ts'
import type { ReaderParts } from '../../../../connector/pipeline/read/reader-parts.ts'
import { createServerClock } from '../../../../connector/pipeline/read/server-clock.ts'
import type { EventPublisher } from '../../../../connector/publish/event-publisher.ts'
import { ConnectorError, codeOf } from '../../../../connector/runtime/connector-error.ts'
import { semaphore } from '../../../../connector/runtime/semaphore.ts'
import type { ScanSettings } from '../../../../connector/scan/scan-settings.ts'
import { UNKNOWN_BEGINNING } from '../../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../../connector/source/client-source.ts'
import type { OpenParts } from '../../../../connector/stream/open/open-parts.ts'
import { openStream } from '../../../../connector/stream/open/open-stream.ts'
import { newestLists, type RebuildParts, rebuildIndex } from '../../../../connector/stream/rewrite/rebuild-index.ts'
import { rewriteCheckpoint } from '../../../../connector/stream/rewrite/rewrite-checkpoint.ts'
import type { RebuildProgress } from '../../../../connector/stream/rewrite/topic-index.ts'
import { driven } from '../../../support/driven.ts'
import { fakePolaris } from '../../../support/fakes/fake-client-source.ts'
import { fakeKafka } from '../../../support/fakes/fake-event-publisher.ts'
import { memoryStore } from '../../../support/fakes/memory-versioned-object.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { eventForm, sentEvent } from '../../../support/records.ts'
import { runAlone } from '../../../support/run-alone.ts'
import { never } from '../../../support/signals.ts'
import { noRetries } from '../open/open-parts.ts'

const KEY = 'shop/clients.json'
const _HOUR_MS = 3_600_000
const timeZone = 'Europe/Paris'
const beginAt = '2026-06-01T00:00:00' as SourceTime
const source = '/polaris/shop/clients'

function rulesWith(
  fields: Record<string, FieldAction>,
  hmac: FieldHash | undefined,
  ignored: readonly string[],
): ReadingRules {
  return { timeZone, ignored: new Set(ignored), fields: fieldRules('keep', Object.entries(fields)), hmac }
}

function stage(ignored: readonly string[] = []) {
  const clock = virtualClock(Date.parse('2026-06-15T10:00:00Z'))
  const kafka = fakeKafka({ partitions: 6, clock })
  const store = memoryStore({})
  const polaris = fakePolaris({ now: clock.now, timeZone, modificationTime: 'shown' })
  let rules = rulesWith({}, undefined, ignored)
  let nonces = 0
  const parts = (owner: string): OpenParts => ({
    storeReady: async () => {},
    openLimit: semaphore(1),
    object: store.object(KEY),
    owner,
    topic: 'client.modified',
    clock,
    indexRules: presentRules(rules, 'No 1000000'),
    beginAt,
    publisher: kafka.publisher({ connector: 'shop', stream: 'clients', replica: owner }),
    identity: {
      connector: 'shop',
      stream: 'clients',
      eventSource: '/polaris/shop/clients',
      source: { url: 'http://p/', codeMagasin: 1, prefixCle: null },
    },
    index: streamIndex(store.segments(KEY), Number.POSITIVE_INFINITY),
    topicUse: 'exclusive',
    assignment: () => 'here',
    newNonce: () => `${owner}-${++nonces}`,
    onWritten: () => {},
    observe: () => {},
  })
  const settings: ScanSettings = {
    intervalMs: 5_000,
    maxIntervalMs: 5_000,
    overlapMs: 15_000,
    lookBacks: [],
    fullScan: undefined,
    backgroundShare: 0.5,
    backfill: 'beside',
    limit: 3,
    output: 'json',
    timeZone,
  }
  const observe = () => {}
  const reader: ReaderParts = {
    clock,
    settings,
    beginAt,
    observe,
    until: 'caught-up',
    retry: noRetries,
    source: polaris.source('replica'),
    serverClock: createServerClock(clock, observe),
    fields: { clientId: 'No', modifiedAt: 'DateModification', clients: null, lists: [] },
  }
  const group = (): PipelineParts['group'] => ({
    settings: {
      form: eventForm({ source, extensions: fieldAttributes(rules.fields, rules.hmac) }),
      maxValueBytes: 100_000,
      deadLetterClient: 'leave-out',
    },
    rules,
    indexRules: presentRules(rules, 'No 1000000'),
    scanSettings: settings,
    beginAt,
    observe,
    deadLetters: deadLetterGuard({ maxShare: 0.1, minimum: 10, of: 1000 }),
  })
  const pipeline = (): PipelineParts => ({
    reader,
    group: group(),
    clock,
    groupMaxSize: 100_000,
    groupMaxDelayMs: 50,
    deliverWithinMs: 10_000,
    giveUp: never,
    savePeriodMs: 60_000,
    requests: noStreamRequests,
    features: featureList(),
  })
  const reopening = { firstPauseMs: 1, maxPauseMs: 1, maxRetryAfterMs: 1 }
  const rebuilds: RebuildProgress[] = []
  const stored = () => parseDocument(store.stored(KEY)?.text ?? '')
  return {
    kafka,
    store,
    polaris,
    parts,
    rebuilds,
    clock,
    /** Changes the setting `event.fields`. */
    use: (fields: Record<string, FieldAction>, hmac?: FieldHash) => {
      rules = rulesWith(fields, hmac, ignored)
    },
    /** Reads everything that is due, as a new replica. */
    poll: async () => {
      const run = { open: parts('replica'), pipeline: pipeline(), clock, observe, reopening, holding: undefined }
      expect(await driven(clock, runAlone(run, never))).toEqual({ kind: 'caught-up' })
    },
    rebuild: (more: Partial<RebuildParts> = {}) => {
      const onProgress = (progress: RebuildProgress) => rebuilds.push(progress)
      return driven(clock, rebuildIndex({ ...parts('operator'), mustNotRun, onProgress, ...more }, never))
    },
    reset: () => rewriteCheckpoint(parts('operator'), { to: { kind: 'reset' }, republish: false, timeZone }, never),
    stored,
    /** Changes the index of the stored document. */
    tamper: (index: Partial<IndexState>) => {
      const { committed, ...document } = stored()
      const state = { ...committed.state, index: { ...committed.state.index, ...index } }
      store.tamper(KEY, serializeDocument({ ...document, committed: { ...committed, state } }))
    },
    segments: () => [...store.segments(KEY).stored.keys()],
  }
}

/** A stage where ten clients have been published, some of them twice, and the index is in a segment. */
async function published(...args: Parameters<typeof stage>) {
  const on = stage(...args)
  for (let client = 1; client <= 10; client += 1) on.polaris.change(`c${client}`)
  await on.poll()
  for (let client = 1; client <= 4; client += 1) on.polaris.change(`c${client}`)
  await on.poll()
  expect(on.kafka.committed).toHaveLength(14)
  const lost = { name: '1-lost', tier: 'base', entries: 10, sha256: 'x' } as const
  on.tamper({ segments: [lost], delta: '' })
  return on
}

const mustNotRun = async () => {}

const codeFrom = (work: Promise<unknown>) => work.then(() => 'none', codeOf)

describe('rebuildIndex', () => {
  test.each([[[]], [['contenu']]])(
    'makes an index under which nothing is published again, with %j ignored',
    async (ignored) => {
      const on = stage(ignored)
      for (let client = 1; client <= 10; client += 1) on.polaris.change(`c${client}`)
      await on.poll()
      await on.rebuild()
      await on.reset()
      const before = on.kafka.committed.length
      await on.poll()
      expect(on.kafka.committed).toHaveLength(before)
      expect(before).toBe(10)
    },
  )

  describe('when events contain only a part of the clients', () => {
    const [key, newKey] = [
      fieldHash('a key of thirty-two characters..'),
      fieldHash('another key, as long as the first'),
    ]
    const [hashed, dropped] = [{ contenu: 'hmac' }, { contenu: 'drop' }] as const

    type Use = Parameters<ReturnType<typeof stage>['use']>
    async function publishedAgain(before: Use, after: Use) {
      const on = stage(['datemodification'])
      on.use(...before)
      on.polaris.change('c1')
      on.polaris.change('c2')
      await on.poll()
      expect(on.kafka.committed).toHaveLength(2)
      on.use(...after)
      await on.rebuild()
      await on.reset()
      await on.poll()
      await on.reset()
      await on.poll()
      return on.kafka.committed.length - 2
    }

    test.each([
      ['the key is the same', [hashed, key], [hashed, key]],
      ['the field is dropped by now', [{}, key], [dropped, key]],
      ['the field was dropped then', [dropped, key], [{}, key]],
      ['the field is hashed by now', [{}, key], [hashed, key]],
      ['the field was hashed then', [hashed, key], [{}, key]],
    ] as const)('publishes nothing again: %s', async (_, before, after) => {
      expect(await publishedAgain([...before], [...after])).toBe(0)
    })

    test('has each client published again whose event has the HMAC of another key, and once only', async () => {
      expect(await publishedAgain([hashed, key], [hashed, newKey])).toBe(2)
    })
  })

  test('opens a stream whose segment is missing again', async () => {
    const on = await published()
    expect(await codeFrom(openStream(on.parts('replica'), never))).toBe('checkpoint.index-missing')
    await on.rebuild()
    await on.reset()
    await on.poll()
    expect(on.kafka.committed).toHaveLength(14)
  })

  test('stores the last event of each client in base segments, with the next epoch and a new generation', async () => {
    const on = await published()
    const { claim, committed } = on.stored()
    const { clients, after } = await on.rebuild()
    expect(after).toEqual(on.stored())
    const epoch = claim.epoch + 1
    const { index, ...state } = after.committed.state
    expect({ clients, claim: after.claim, hasRecord: after.committed.hasRecord, pending: after.pending }).toMatchObject(
      {
        clients: 10,
        claim: { epoch, owner: 'operator' },
        hasRecord: false,
        pending: null,
      },
    )
    const { index: _, ...before } = committed.state
    expect(state).toEqual(before)
    expect(index).toMatchObject({ generation: epoch, delta: '', segments: [{ tier: 'base', entries: 10 }] })
    expect(index.segments[0]?.name).toMatch(new RegExp(`^${epoch}-`))
    const table = await loadTable(on.store.segments(KEY), index, never)
    for (const record of on.kafka.committed.slice(-4))
      expect(table.get(clientKey(record.key ?? ''))?.number).toBe(sequenceOf(record, source))
  })

  test('forgets the same contents as before when the stream was set to publish unchanged clients again', async () => {
    const on = await published()
    const document = on.stored()
    const { state } = document.committed
    const committed = { ...document.committed, state: { ...state, index: { ...state.index, contentsFrom: 12 } } }
    on.store.tamper(KEY, serializeDocument({ ...document, committed }))
    expect((await on.rebuild()).after.committed.state.index.contentsFrom).toBe(12)
  })

  test('Invariant 4: fences the running replica', async () => {
    const on = await published()
    await on.rebuild()
    const { producer } = await openStream(on.parts('replica'), never)
    await on.rebuild()
    await using transaction = producer.begin(never)
    expect(await codeFrom(transaction.send([sentEvent('1', '{}')]))).toBe('publish.fenced')
  })

  /** The publisher of the operator; `work` runs once, between the first reading of the topic and the next step. */
  const publisherWith = (on: Awaited<ReturnType<typeof published>>, work: () => Promise<unknown>): EventPublisher => {
    const { publisher } = on.parts('operator')
    let isDone = false
    return {
      ...publisher,
      readEvents: async (reading, stop) => {
        const end = await publisher.readEvents(reading, stop)
        if (!isDone) await work()
        isDone = true
        return end
      },
    }
  }

  test('starts over when a replica opens the stream meanwhile', async () => {
    const on = stage()
    for (let client = 1; client <= 10; client += 1) on.polaris.change(`c${client}`)
    await on.poll()
    const { epoch } = on.stored().claim
    let asked = 0
    const { after, clients } = await on.rebuild({
      publisher: publisherWith(on, () => openStream(on.parts('replica'), never)),
      mustNotRun: async () => {
        asked += 1
      },
    })
    expect({ clients, asked }).toEqual({ clients: 10, asked: 2 })
    expect(after.claim).toMatchObject({ owner: 'operator', epoch: epoch + 2 })
    await on.reset()
    await on.poll()
    expect(on.kafka.committed).toHaveLength(10)
  })

  test('does not fence a replica that opened the stream while the topic was read', async () => {
    const on = await published()
    await on.rebuild()
    const opening = Promise.withResolvers<OpenStream>()
    const open = async () => opening.resolve(await openStream(on.parts('replica'), never))
    const answers = [Promise.resolve(), Promise.reject(new ConnectorError('command.invalid', 'it runs'))]
    answers[1]?.catch(() => {})
    const mustNotRun = async () => await answers.shift()
    const rebuilding = on.rebuild({ publisher: publisherWith(on, open), mustNotRun })
    expect(await codeFrom(rebuilding)).toBe('command.invalid')
    await using transaction = (await opening.promise).producer.begin(never)
    await transaction.send([sentEvent('1', '{}')])
  })

  test('takes the events of a transaction that is committed meanwhile into the delta', async () => {
    const on = stage()
    for (let client = 1; client <= 10; client += 1) on.polaris.change(`c${client}`)
    await on.poll()
    const { producer, checkpoint } = await openStream(on.parts('replica'), never)
    const { index: _, ...reached } = checkpoint.state()
    const record = await checkpoint.prepare({ ...reached, events: 11, entries: '' }, never)
    const event = { source, subject: 'c11', sequence: '10', type: 'client.modified' }
    await using transaction = producer.begin(never)
    await transaction.send([sentEvent('c11', JSON.stringify(event))])
    const publisher = publisherWith(on, () => transaction.commit(record))
    const { after, clients } = await on.rebuild({ publisher })
    const { index, events } = after.committed.state
    expect({ clients, events }).toEqual({ clients: 11, events: 11 })
    const table = await loadTable(on.store.segments(KEY), index, never)
    expect([table.size(), table.get(clientKey('c11'))?.number, index.delta.length]).toEqual([11, 10, 32])
  })

  test('reads and changes nothing when a replica may run the stream', async () => {
    const on = await published()
    const before = on.store.stored(KEY)?.text
    const running = new ConnectorError('command.invalid', 'it runs')
    expect(await codeFrom(on.rebuild({ mustNotRun: () => Promise.reject(running) }))).toBe('command.invalid')
    expect([on.rebuilds, on.segments(), on.store.stored(KEY)?.text]).toEqual([[], [], before])
  })

  test('leaves the beginning of the earliest scan to the first scan when the topic has no client of the stream', async () => {
    const on = stage()
    await on.reset()
    expect((await on.rebuild()).after.committed.state.scans.earliest).toBeNull()
    on.polaris.change('c1')
    await on.poll()
    expect(on.stored().committed.state.scans.earliest).toBe(beginAt)
  })

  test('keeps the beginning of the earliest scan, which is unknown after the reset of a lost checkpoint', async () => {
    const on = stage()
    on.polaris.change('c1')
    await on.poll()
    expect((await on.rebuild()).after.committed.state.scans.earliest).toBe(beginAt)
    on.store.tamper(KEY, undefined)
    await on.reset()
    expect((await on.rebuild()).after.committed.state.scans.earliest).toBe(UNKNOWN_BEGINNING)
  })

  test('reports how much of the topic has been read', async () => {
    const on = await published()
    await on.rebuild()
    expect(on.rebuilds.at(-1)).toEqual({ share: 1, events: 14, clients: 10 })
  })

  test('changes nothing when there is no checkpoint', async () => {
    const on = stage()
    const refused = await on.rebuild().catch((error: unknown) => error)
    expect(codeOf(refused)).toBe('command.invalid')
    expect(String(refused)).toContain('checkpoint reset')
    expect(on.store.stored(KEY)).toBeUndefined()
    expect(on.kafka.openTransactions()).toEqual([])
  })

  test('changes nothing when the stream cannot be resolved', async () => {
    const on = await published()
    const text = serializeDocument({ ...on.stored(), stream: 'other' })
    on.store.tamper(KEY, text)
    expect(await codeFrom(on.rebuild())).toBe('checkpoint.other-stream')
    expect(on.store.stored(KEY)?.text).toBe(text)
    expect(on.segments()).toEqual([])
  })
})

test('the topic is read with the lists that were settled last, also by a pending state', async () => {
  const { stored } = await published()
  const document = stored()
  const { committed } = document
  const { index: _, ...state } = committed.state
  const settled = { ...state, entries: '', mapping: state.mapping && { ...state.mapping, lists: ['Cartes'] } }
  const { epoch, seq, nonce, at } = committed
  const pending = { epoch, seq: seq + 1, nonce, at, change: settled }
  expect(newestLists(document)).toEqual([])
  expect(newestLists({ ...document, pending })).toEqual(['Cartes'])
})
