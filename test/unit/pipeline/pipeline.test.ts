import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { type PipelineEnd, type PipelineParts, runPipeline } from '../../../connector/pipeline/pipeline.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { Page } from '../../../connector/source/client-source.ts'
import type { FakeFault } from '../../support/fakes/fake-event-publisher.ts'
import type { MemoryFault } from '../../support/fakes/memory-versioned-object.ts'
import { settled } from '../../support/fakes/virtual-clock.ts'
import { never } from '../../support/signals.ts'
import { KEY, openedStream, type Stage, stage, withBackfillDone } from '../stream/open/open-parts.ts'
import { noon, pageOf } from './readings.ts'
import { type Answer, scanOf, scriptedSource } from './scripted-source.ts'

// A pipeline runs on fakes; commits and writes wait until the test lets them go on.

const stopped = new DOMException('stop', 'AbortError')

/** A running pipeline. After `hold`, each commit waits until `release` is called. */
async function running(answers: readonly Answer[], more: Partial<PipelineParts> = {}, of: Stage = {}) {
  const source = scriptedSource(answers)
  const held: { store?: Promise<MemoryFault> | MemoryFault } = {}
  let storeCalls = 0
  const heldCommits: (() => void)[] = []
  let isHeld = false
  const on = stage({
    source,
    kafka: (operation) =>
      operation === 'commit' && isHeld
        ? new Promise<FakeFault>((resolve) => heldCommits.push(() => resolve('none')))
        : 'none',
    store: () => {
      storeCalls += 1
      return held.store ?? 'none'
    },
    ...of,
  })
  const stopping = new AbortController()
  const opened = await openedStream(on.openParts, stopping.signal)
  await withBackfillDone(opened)
  const writesAtOpen = on.store.history(KEY).length
  const start = () => runPipeline({ ...on.pipelineParts, ...more }, opened, stopping.signal)
  return {
    ...on,
    ...opened,
    source,
    held,
    hold: () => {
      isHeld = true
    },
    release: () => heldCommits.shift()?.(),
    start,
    stop: () => stopping.abort(stopped),
    storeCalls: () => storeCalls,
    writes: () => on.store.history(KEY).length - writesAtOpen,
    stored: () => parseDocument(on.store.stored(KEY)?.text ?? ''),
    groups: () =>
      on.events.flatMap((event) => (event.kind === 'pages-published' ? [[event.pages, eventsOf(event)]] : [])),
  }
}

type Published = Extract<PipelineEvent, { kind: 'pages-published' }>
const eventsOf = ({ countsByLane }: Published) =>
  [...countsByLane.values()].reduce((sum, { events }) => sum + events, 0)

/** A page that is returned once `respond` is called. */
function slow(page: Page) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const answer: Answer = async () => {
    await promise
    return page
  }
  return { answer, respond: () => resolve() }
}
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`)

describe('group commit', () => {
  test('lets pages share a transaction up to the maximum size when there is a backlog', async () => {
    const { start, groups, published } = await running(
      scanOf(10),
      { groupMaxValueBytes: 1_050 },
      { endsWhen: 'caught-up' },
    )
    await start()
    expect(published()).toEqual(numbers(1, 10))
    const sizes = groups().map(([pages]) => pages)
    expect(sizes).toEqual([4, 4, 2]) // about 350 bytes an event
  })

  test('publishes the gathered pages without waiting for more when the maximum delay has passed', async () => {
    const [first, second, third] = scanOf(3)
    if (first === undefined || second === undefined || third === undefined) throw new Error('expected three pages')
    const late = slow(third)
    const { start, clock, groups, stop } = await running([first, second, late.answer])
    const end = start()
    await clock.advance(49)
    expect(groups()).toEqual([])
    await clock.advance(1)
    expect(groups()).toEqual([[2, 2]])
    late.respond()
    await settled()
    expect(groups()).toEqual([
      [2, 2],
      [1, 1],
    ])
    stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })

  test('commits a page at once when it is the last of a scan', async () => {
    const { start, groups, clock, stop } = await running(scanOf(1))
    const end = start()
    await settled()
    expect(groups()).toEqual([[1, 1]])
    expect(clock.now()).toBe(noon)
    stop()
    await end
  })
})

describe('memory', () => {
  test('holds at most two pages besides the group being delivered: one gathered, one waiting', async () => {
    const { start, source, hold, release, stop, published } = await running(scanOf(6), { groupMaxValueBytes: 1 })
    hold()
    const end = start()
    for (let page = 1; page <= 4; page += 1) {
      await settled()
      expect(source.asked).toHaveLength(page + 2)
      expect(published()).toHaveLength(page - 1)
      release()
    }
    stop()
    await settled()
    release()
    await settled()
    release()
    await end
  })
})

describe('stopping', () => {
  test('Invariant 6: finishes the page in hand, saves and hands over', async () => {
    const { start, hold, release, stop, published, stored, checkpoint, source } = await running(scanOf(5), {
      groupMaxValueBytes: 1,
    })
    hold()
    const end = start()
    await settled()
    stop()
    await settled()
    expect(published()).toEqual([])
    for (let write = 1; write <= 3; write += 1) {
      release()
      await settled()
    }
    expect(await end).toEqual({ kind: 'stopped' })
    // The page being delivered, the one gathered meanwhile and the one read ahead: the next owner reads none of them
    // again.
    expect(published()).toEqual(['1', '2', '3'])
    expect(source.asked).toHaveLength(3)
    await checkpoint.leave(never)
    expect(stored()).toMatchObject({
      pending: null,
      claim: { owner: null },
      committed: { seq: 3, state: { scans: { live: { scan: { checkPoint: 't3' } } } } },
    })
    expect(stored().committed.state).toEqual(checkpoint.state())
  })

  test('delivers a group that is waiting for more pages', async () => {
    const [first, second] = scanOf(2)
    if (first === undefined || second === undefined) throw new Error('expected two pages')
    const late = slow(second)
    const { start, stop, published } = await running([first, late.answer])
    const end = start()
    await settled()
    expect(published()).toEqual([])
    stop()
    await settled()
    expect(published()).toEqual(['1'])
    late.respond()
    expect(await end).toEqual({ kind: 'stopped' })
    expect(published()).toEqual(['1'])
  })
})

describe('a decided state', () => {
  const prepared = { pending: { seq: 1 }, committed: { seq: 0 } }
  const recorded = { pending: null, committed: { seq: 1, expectsRecord: true } }
  const codeOfEnd = (end: Promise<unknown>) =>
    end
      .then(
        (ended) => (ended as Extract<PipelineEnd, { kind: 'failed' }>).error,
        (error: unknown) => error,
      )
      .then(codeOf)

  /** A scan is published; the next read has begun and gets these answers, or none. */
  async function waiting(...answers: Answer[]) {
    const on = await running([...scanOf(1), ...answers])
    const end = on.start()
    await on.clock.advance(5_000)
    expect(on.source.asked).toHaveLength(2)
    return { ...on, end }
  }

  test('is stored as committed once, within the save period, when the source does not answer', async () => {
    const { clock, stored, writes, stop, end } = await waiting()
    expect(stored()).toMatchObject(prepared)
    await clock.advance(54_999)
    expect(stored()).toMatchObject(prepared)
    await clock.advance(1)
    expect(stored()).toMatchObject(recorded)
    await clock.advance(3_600_000)
    expect(writes()).toBe(2)
    stop()
    expect([await end, writes()]).toEqual([{ kind: 'stopped' }, 2])
  })

  test('is stored before the next page is delivered, never at the same time', async () => {
    const next = slow(pageOf([{ No: '2' }]))
    const { clock, held, stored, storeCalls, published, stop, end } = await waiting(next.answer)
    const put = Promise.withResolvers<MemoryFault>()
    held.store = put.promise
    const calls = storeCalls()
    await clock.advance(55_000)
    next.respond()
    await settled()
    expect([storeCalls() - calls, published()]).toEqual([1, ['1']])
    delete held.store
    put.resolve('none')
    await settled()
    expect(published()).toEqual(['1', '2'])
    expect(stored()).toMatchObject({ pending: { seq: 2 }, committed: { seq: 1 } })
    stop()
    await end
  })

  test('ends the pipeline when it cannot be stored, even if the source does not answer', async () => {
    const { clock, held, end } = await waiting()
    held.store = 'before'
    const code = codeOfEnd(end)
    await clock.advance(55_000)
    expect(await code).toBe('storage.unavailable')
  })
})

test('Invariant 1: the end of a scan is reported only after its last page is delivered', async () => {
  const { start, hold, release, kinds, stop } = await running(scanOf(1))
  hold()
  const end = start()
  await settled()
  expect(kinds()).not.toContain('caught-up')
  release()
  await settled()
  expect(kinds().slice(-2)).toEqual(['pages-published', 'caught-up'])
  stop()
  await end
})
