import { expect, test } from 'vitest'
import { gatherGroup, type ReadAhead, readAhead } from '../../../connector/pipeline/gather-group.ts'
import type { PageGroupBuilder } from '../../../connector/pipeline/group/page-group.ts'
import { runPipeline } from '../../../connector/pipeline/pipeline.ts'
import type { PageReading } from '../../../connector/pipeline/read/reader-parts.ts'
import type { StreamProducer } from '../../../connector/publish/event-publisher.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { isHeld } from '../../support/garbage.ts'
import { never as neverStopped } from '../../support/signals.ts'
import { openedStream, stage, withBackfillDone } from '../stream/open/open-parts.ts'
import { pageReader } from './page-readers.ts'
import { noon, pageOf, token } from './readings.ts'
import { scriptedSource } from './scripted-source.ts'

// V8 keeps the variables of a function that waits. A page or a group that is no longer needed must not be among them:
// with 1,000 clients a page it takes several MB.

const never = new Promise<never>(() => {})

test('no page that was waited for and taken is held while the timeout is pending', async () => {
  async function* pages(): AsyncGenerator<object, void> {
    yield { clients: ['first'] }
    yield { clients: ['second'] }
  }
  const ahead = readAhead(pages())
  expect(await ahead.isNextHere(never)).toBe(true)
  const page = new WeakRef((await ahead.take()) ?? {})
  await ahead.take()
  expect(await isHeld(page)).toBe(false)
})

test('no page of a group is held while the next page is awaited', async () => {
  const builder: PageGroupBuilder = {
    add: () => {},
    valueBytes: () => 0,
    entryCount: () => 0,
    finish: () => expect.unreachable(),
    onDelivered: () => {},
  }
  let page: WeakRef<object> | undefined
  const pages: ReadAhead<PageReading> = {
    take: async () => {
      const reading = { isLast: false } as PageReading
      page = new WeakRef(reading)
      return reading
    },
    isNextHere: () => never,
    close: async () => {},
  }
  const parts = { builder, onPageAdded: () => {}, clock: virtualClock(noon), groupMaxValueBytes: 1, groupMaxDelayMs: 1 }
  void gatherGroup(parts, pages, neverStopped)
  await Promise.resolve()
  expect(page).toBeDefined()
  if (page !== undefined) expect(await isHeld(page)).toBe(false)
})

test('no page that was yielded is held while the next one is read', async () => {
  const { next, pages } = pageReader(async ({ checkPoint }) =>
    checkPoint === null ? pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: token('t1') }) : await never,
  )
  const page = new WeakRef(await next())
  void pages.next()
  expect(await isHeld(page)).toBe(false)
})

test('no delivered group is held while the next one is gathered', async () => {
  const source = scriptedSource([pageOf([{ No: '1' }], { hasMoreResults: true, checkPoint: token('t1') })])
  const on = stage({ source })
  const stopping = new AbortController()
  const opened = await openedStream(on.openParts, stopping.signal)
  await withBackfillDone(opened)
  let group: WeakRef<object> | undefined
  const begin: StreamProducer['begin'] = (finish) => {
    const transaction = opened.producer.begin(finish)
    return {
      send: async (records) => {
        group = new WeakRef(records)
        await transaction.send([...records])
      },
      commit: (record) => transaction.commit(record),
      [Symbol.asyncDispose]: () => transaction[Symbol.asyncDispose](),
    }
  }
  const end = runPipeline(on.pipelineParts, { ...opened, producer: { ...opened.producer, begin } }, stopping.signal)
  await on.clock.advance(50)
  expect(on.published()).toEqual(['1'])
  expect(group).toBeDefined()
  if (group !== undefined) expect(await isHeld(group)).toBe(false)
  stopping.abort()
  await end
})
