import { describe, expect, test } from 'vitest'
import type { CheckpointDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { clientTable } from '../../../connector/index/client-table.ts'
import { ENTRY_BYTES } from '../../../connector/index/index-entry.ts'
import { indexMemory, type StreamIndex, streamIndex } from '../../../connector/index/stream-index.ts'
import { type CheckParts, checkStream } from '../../../connector/inspect/check-stream.ts'
import type { EventPublisher, Inspection } from '../../../connector/publish/event-publisher.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { semaphore } from '../../../connector/runtime/semaphore.ts'
import { openStream } from '../../../connector/stream/open/open-stream.ts'
import { sentEvent } from '../../support/records.ts'
import { runAlone } from '../../support/run-alone.ts'
import { never } from '../../support/signals.ts'
import { pageOf } from '../pipeline/readings.ts'
import { type Answer, scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { KEY, type Stage, settled, stage } from '../stream/open/open-parts.ts'

const error = (code: ErrorCode) => new ConnectorError(code, 'scripted')

/** A stream that has published two clients and ended, and a check of it whose source returns `answers`. */
async function published(answers: readonly Answer[] = [], of: Stage = {}) {
  const on = stage({ source: scriptedSource(scanOf(2)), until: 'caught-up', ...of })
  await runAlone(on.streamParts, never)
  const before = { history: on.store.history(KEY).length, committed: on.kafka.committed.length }
  const source = scriptedSource(answers)
  let opened = 0
  const openSource = () => {
    opened += 1
    const close = async () => {
      opened -= 1
    }
    return { ...source, close }
  }
  const parts = (more: Partial<CheckParts['open']> = {}): CheckParts => ({
    open: { ...on.open, ...more },
    reader: on.pipeline.reader,
    group: on.pipeline.group,
    openSource,
  })
  const check = (code: ErrorCode, more: Partial<CheckParts['open']> = {}) =>
    checkStream(parts(more), code, never).then(() => 'passes' as const, codeOf)
  const document = (): CheckpointDocument => JSON.parse(on.store.stored(KEY)?.text ?? 'null')
  return {
    ...on,
    source,
    check,
    document,
    openSources: () => opened,
    edit: (change: Partial<CheckpointDocument>) => on.store.tamper(KEY, JSON.stringify({ ...document(), ...change })),
    /** Replaces parts of the inspection of Kafka. */
    seeing: (change: Partial<Inspection>) => ({
      publisher: {
        ...on.open.publisher,
        inspect: async (...args: Parameters<EventPublisher['inspect']>) => {
          const seen = await on.open.publisher.inspect(...args)
          return { ...seen, ...change } as Inspection
        },
      },
    }),
    written: () => ({
      history: on.store.history(KEY).length - before.history,
      committed: on.kafka.committed.length - before.committed,
    }),
  }
}

describe('a check', () => {
  test('passes when the stream can be opened, without fencing, claiming, writing or reporting', async () => {
    const on = await published([pageOf([{ No: '1' }])])
    const opened = await openStream(on.open, never)
    on.events.length = 0
    const { history } = on.written()
    for (const code of ['checkpoint.missing', 'publish.unauthorized', 'source.mapping'] as const)
      expect(await on.check(code)).toBe('passes')
    expect(on.written()).toEqual({ history, committed: 0 })
    expect(on.events).toEqual([])
    const transaction = opened.producer.begin(never)
    await transaction.send([sentEvent('3', '3')])
    await transaction.commit({ epoch: 2, seq: 2, nonce: 'still mine', events: 2 })
    expect(on.written().committed).toBe(1)
  })

  test('of an index that was too large passes once the memory suffices', async () => {
    const on = await published()
    const memory = indexMemory(2 * ENTRY_BYTES)
    const other = {}
    memory.hold(other, 1)
    const index = streamIndex(on.store.segments(KEY), 1e9, { memory })
    expect(await on.check('checkpoint.index-too-large', { index })).toBe('checkpoint.index-too-large')
    memory.release(other)
    expect(await on.check('checkpoint.index-too-large', { index })).toBe('passes')
  })

  test.each(['checkpoint.index-missing', 'checkpoint.index-damaged'] as const)(
    'of %s passes once the client index can be loaded',
    async (code) => {
      const on = await published()
      let isDamaged = true
      const index: StreamIndex = {
        ...streamIndex(on.store.segments(KEY), 1e9),
        load: async () => {
          if (isDamaged) throw new ConnectorError(code, 'load client index')
          return clientTable()
        },
      }
      expect(await on.check(code, { index })).toBe(code)
      isDamaged = false
      expect(await on.check(code, { index })).toBe('passes')
    },
  )

  test('waits for a permit to open', async () => {
    const on = await published()
    const openLimit = semaphore(1)
    const permit = await openLimit.acquire(never)
    let passed = false
    const checking = on.check('checkpoint.missing', { openLimit }).then(() => {
      passed = true
    })
    await settled()
    expect(passed).toBe(false)
    permit[Symbol.dispose]()
    await checking
  })

  test('rejects with the reason of the stop', async () => {
    const on = await published([], { kafka: (operation) => (operation === 'inspect' ? new Promise(() => {}) : 'none') })
    const stop = new AbortController()
    const reason = new Error('stop')
    const openSource = () => ({ ...scriptedSource([]), close: async () => {} })
    const parts = { open: on.open, reader: on.pipeline.reader, group: on.pipeline.group, openSource }
    const checking = checkStream(parts, 'publish.refused', stop.signal)
    await settled()
    stop.abort(reason)
    await expect(checking).rejects.toBe(reason)
  })

  test('rejects while the store does not support conditional writes', async () => {
    const on = await published()
    const storeReady = () => Promise.reject(error('storage.no-conditional-writes'))
    expect(await on.check('storage.no-conditional-writes', { storeReady })).toBe('storage.no-conditional-writes')
  })
})

describe('the document', () => {
  test.each<[string, (on: Awaited<ReturnType<typeof published>>) => void, ErrorCode]>([
    ['missing', ({ store }) => store.tamper(KEY, undefined), 'checkpoint.missing'],
    ['damaged', ({ store }) => store.tamper(KEY, '{'), 'checkpoint.damaged'],
    ['in an unknown format', ({ edit }) => edit({ format: 1 as 10 }), 'checkpoint.unknown-format'],
    ['of another stream', ({ edit }) => edit({ stream: 'other' }), 'checkpoint.other-stream'],
    ['older than the commit record', ({ store }) => store.tamper(KEY, store.history(KEY)[0]), 'checkpoint.rolled-back'],
  ])('that is %s does not pass, and passes after it is restored', async (_, damage, code) => {
    const on = await published()
    const good = on.store.stored(KEY)?.text
    damage(on)
    expect(await on.check(code)).toBe(code)
    on.store.tamper(KEY, good)
    expect(await on.check(code)).toBe('passes')
  })

  test('that changes during the check is a conflict, not a cause', async () => {
    const on = await published()
    const { publisher } = on.open
    const inspect: typeof publisher.inspect = async (...args) => {
      const seen = await publisher.inspect(...args)
      on.edit({ nonce: 'another replica' })
      return { ...seen, found: { kind: 'record', record: { epoch: 9, seq: 9, nonce: 'n', events: 9 } } }
    }
    expect(await on.check('checkpoint.rolled-back', { publisher: { ...publisher, inspect } })).toBe(
      'checkpoint.conflict',
    )
  })

  test('passes once an older commit record is replaced by its own', async () => {
    const on = await published()
    const record = { epoch: 1, seq: 0, nonce: 'older', events: 0 }
    const older = on.seeing({ found: { kind: 'record', record } })
    expect(await on.check('checkpoint.events-lost', older)).toBe('checkpoint.events-lost')
    expect(await on.check('checkpoint.events-lost')).toBe('passes')
  })
})

describe('a new stream', () => {
  test('passes when a start is configured, otherwise not', async () => {
    const on = stage()
    const parts = (beginAt: CheckParts['open']['beginAt']) => ({
      open: { ...on.open, beginAt },
      reader: on.pipeline.reader,
      group: on.pipeline.group,
      openSource: () => ({ ...scriptedSource([pageOf([{ No: '1' }])]), close: async () => {} }),
    })
    await checkStream(parts(on.open.beginAt), 'source.forbidden', never)
    await expect(checkStream(parts(undefined), 'config.invalid', never)).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('POLARIS_LAST_CHANGED'),
    })
    expect(on.store.history(KEY)).toEqual([])
  })
})

describe('Kafka', () => {
  test('does not pass when the inspection rejects', async () => {
    let code: ErrorCode | undefined = 'publish.unauthorized'
    const on = await published([], {
      kafka: (operation) =>
        operation === 'inspect' && code !== undefined ? Promise.reject(error(code)) : Promise.resolve('none'),
    })
    expect(await on.check('publish.unauthorized')).toBe('publish.unauthorized')
    code = undefined
    expect(await on.check('publish.unauthorized')).toBe('passes')
  })

  test.each([
    ['another cluster', { clusterId: 'other' }, 'checkpoint.other-stream'],
    ['another topic', { topic: 'other' }, 'checkpoint.other-stream'],
    ['a topic that was created again', { topicId: 'other' }, 'checkpoint.topic-lost'],
  ] as const)('does not pass with %s', async (_, change, code) => {
    const on = await published()
    const destination = { ...on.document().destination, ...change }
    expect(await on.check(code, on.seeing({ destination }))).toBe(code)
  })

  test('does not pass with another configured topic, even when it may be created', async () => {
    const on = await published()
    const topic = { topic: 'other', ...on.seeing({ destination: undefined }) }
    expect(await on.check('checkpoint.other-stream', topic)).toBe('checkpoint.other-stream')
  })

  test('does not pass without the topic of published events, even when it may be created', async () => {
    const on = await published()
    on.kafka.deleteTopic()
    expect(await on.check('checkpoint.topic-lost')).toBe('checkpoint.topic-lost')
  })

  test('passes without a topic when opening may create it and the stream has no events', async () => {
    const on = stage()
    await (await openStream(on.open, never)).producer.close()
    on.kafka.deleteTopic()
    const parts = { open: on.open, reader: on.pipeline.reader, group: on.pipeline.group }
    const openSource = () => ({ ...scriptedSource([]), close: async () => {} })
    await checkStream({ ...parts, openSource }, 'publish.unauthorized', never)
  })
})

describe('the next page', () => {
  test('is read from the resume point, only for source and event codes and bugs', async () => {
    const on = await published([pageOf([{ No: '1' }]), pageOf([{ No: '1' }]), pageOf([{ No: '1' }])])
    for (const code of ['publish.refused', 'checkpoint.damaged', 'storage.no-conditional-writes'] as const)
      await on.check(code)
    expect(on.source.asked).toEqual([])
    for (const code of ['source.forbidden', 'event.too-many-dead-letters', 'bug'] as const) await on.check(code)
    expect(on.source.asked).toHaveLength(3)
    expect(on.source.asked[0]?.lastChanged).toMatch(/^2026-06-15T1[12]:/)
    expect(on.openSources()).toBe(0)
  })

  test('does not pass when reading fails, and closes its source', async () => {
    const on = await published([error('source.unauthorized')])
    expect(await on.check('source.unauthorized')).toBe('source.unauthorized')
    expect(on.openSources()).toBe(0)
  })

  test('does not pass when its fields cannot be mapped or too many clients would be dead letters', async () => {
    const nobody = () => pageOf(Array.from({ length: 20 }, (_, index) => ({ Nom: `${index}` })))
    const on = await published([nobody()])
    expect(await on.check('event.too-many-dead-letters')).toBe('event.too-many-dead-letters')
    const unmapped = stage()
    const parts = {
      open: unmapped.open,
      group: unmapped.pipeline.group,
      reader: { ...unmapped.pipeline.reader, fields: { clientId: null, modifiedAt: null, clients: null, lists: [] } },
      openSource: () => ({ ...scriptedSource([nobody()]), close: async () => {} }),
    }
    await expect(checkStream(parts, 'source.mapping', never)).rejects.toMatchObject({ code: 'source.mapping' })
  })
})
