import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import type { PipelineParts } from '../../../connector/pipeline/pipeline.ts'
import type { ClientSource } from '../../../connector/source/client-source.ts'
import { erasuresKey } from '../../../connector/storage/checkpoint-store-config.ts'
import { runStream } from '../../../connector/stream/run-stream.ts'
import type { MemoryFault } from '../../support/fakes/memory-versioned-object.ts'
import { openErasures } from '../../support/fakes/open-erasures.ts'
import { pageOf } from '../pipeline/readings.ts'
import { KEY, settled, stage } from './open-parts.ts'

const MARKS = erasuresKey(KEY)

/** A running stream that has published client 1. */
async function running() {
  const calls: string[] = []
  const source = { name: 'a', isDown: false }
  const faults = new Map<string, MemoryFault>()
  const read: ClientSource['read'] = async () =>
    source.isDown ? await new Promise(() => {}) : pageOf([{ No: '1', Nom: source.name }])
  const on = stage({
    source: { read },
    kafka: (operation) => {
      calls.push(operation)
      return 'none'
    },
    store: ({ kind, key }) => {
      if (kind === 'write') calls.push(key)
      return (kind === 'write' ? faults.get(key) : undefined) ?? 'none'
    },
  })
  const control = openErasures()
  const pipeline: PipelineParts = { ...on.pipeline, requests: control.requests }
  const stop = new AbortController()
  const ended = runStream({ ...on.streamParts, pipeline }, stop.signal)
  const wait = async (times = 3) => {
    for (let time = 0; time < times; time += 1) {
      await settled()
      on.clock.fireNext()
      await settled()
    }
  }
  await wait()
  calls.length = 0
  return {
    ...{ ...on, ...control, calls, source, faults, wait },
    values: () => on.kafka.committed.map(({ value }) => (value === null ? null : JSON.parse(value).data.Nom)),
    end: async () => {
      stop.abort()
      await wait()
      await ended
      return parseDocument(on.store.stored(KEY)?.text ?? '').committed.state
    },
  }
}

describe('a running stream', () => {
  test('erases a client while a page is awaited, and reports it once that is committed', async () => {
    const on = await running()
    on.source.isDown = true
    await on.wait()
    on.erase('1')
    await on.wait()
    expect(on.values()).toEqual(['a', null])
    expect(on.carriedOut).toEqual([{ id: 'erasure 1', outcome: 'erased' }])
    expect(on.events.find(({ kind }) => kind === 'client-erased')).toEqual({
      ...{ kind: 'client-erased', request: 'erasure 1', outcome: 'erased' },
      ...{ reason: 'letter', requestedAt: 1, requestedBy: 'operator' },
    })
  })

  test('stores the mark before it sends the tombstone, and removes it after the next change is published', async () => {
    const on = await running()
    on.erase('1')
    await on.wait()
    expect(on.calls.indexOf(MARKS)).toBeGreaterThanOrEqual(0)
    expect(on.calls.indexOf(MARKS)).toBeLessThan(on.calls.indexOf('send'))
    const marked = on.store.stored(MARKS)?.text
    on.calls.length = 0
    on.source.name = 'b'
    await on.wait()
    expect(on.values()).toEqual(['a', null, 'b'])
    expect(on.calls.indexOf(MARKS)).toBeGreaterThan(on.calls.indexOf('commit'))
    expect(on.store.stored(MARKS)?.text.length).toBeLessThan(marked?.length ?? 0)
    expect(await on.end()).toMatchObject({ events: 3, carriedOut: [] })
  })

  test('publishes no tombstone while the mark cannot be stored, and one tombstone afterwards', async () => {
    const on = await running()
    on.faults.set(MARKS, 'before')
    on.erase('1')
    await on.wait()
    expect(on.calls).not.toContain('send')
    expect(on.kinds()).toContain('stream-retrying')
    on.faults.clear()
    await on.wait(6)
    expect(on.values()).toEqual(['a', null])
    expect(on.carriedOut).toHaveLength(1)
  })

  test('continues when the mark of a changed client cannot be removed', async () => {
    const on = await running()
    on.erase('1')
    await on.wait()
    on.faults.set(MARKS, 'before')
    on.source.name = 'b'
    await on.wait()
    expect(on.values()).toEqual(['a', null, 'b'])
    expect(on.kinds()).toContain('index-upkeep-failed')
    expect(on.kinds()).not.toContain('stream-retrying')
  })
})
