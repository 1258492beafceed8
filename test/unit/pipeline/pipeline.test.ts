import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { claimedStream } from '../../../connector/pipeline/claimed-stream.ts'
import { openStream } from '../../../connector/pipeline/open-stream.ts'
import { type PipelineParts, runPipeline } from '../../../connector/pipeline/pipeline.ts'
import { ConnectorError, codeOf } from '../../../connector/runtime/connector-error.ts'
import type { Page } from '../../../connector/source/client-source.ts'
import type { FakeFault } from '../../support/fake-event-publisher.ts'
import type { MemoryFault } from '../../support/memory-versioned-object.ts'
import { KEY, type Stage, settled, stage } from './open-parts.ts'
import { noon, pageOf, token } from './readings.ts'
import { type Answer, drainOf, scriptedSource } from './scripted-source.ts'

const stopped = new DOMException('stop', 'AbortError')

/** A running pipeline. After `hold`, each transaction waits at its end until `release` is called. */
async function running(answers: readonly Answer[], more: Partial<PipelineParts> = {}, of: Stage = {}) {
  const source = scriptedSource(answers)
  const held: { store?: Promise<MemoryFault> | MemoryFault } = {}
  const ends: (() => void)[] = []
  let isHeld = false
  const on = stage({
    source,
    kafka: (operation) =>
      operation === 'commit' && isHeld ? new Promise<FakeFault>((resolve) => ends.push(() => resolve('none'))) : 'none',
    store: () => held.store ?? 'none',
    ...of,
  })
  const stopping = new AbortController()
  const opened = await openStream(on.open, stopping.signal)
  const writesAtOpen = on.store.history(KEY).length
  const reopen = () => Promise.reject(new Error('never idle'))
  const claimed = claimedStream(opened, { reopen, idleAfterMs: 0, clock: on.clock })
  const start = () => runPipeline({ ...on.pipeline, ...more }, claimed, stopping.signal)
  return {
    ...on,
    ...opened,
    source,
    held,
    hold: () => {
      isHeld = true
    },
    release: () => ends.shift()?.(),
    start,
    stop: () => stopping.abort(stopped),
    writes: () => on.store.history(KEY).length - writesAtOpen,
    stored: () => parseDocument(on.store.stored(KEY)?.text ?? ''),
    published: () => on.kafka.committed.map(({ key }) => key),
    transactions: () => new Set(on.kafka.committed.map(({ transaction }) => transaction)).size,
    groups: () => on.events.flatMap((event) => (event.kind === 'group-published' ? [[event.pages, event.events]] : [])),
  }
}

/** A page that comes when it is told to. */
function slow(page: Page) {
  let come = () => {}
  const came = new Promise<void>((resolve) => {
    come = resolve
  })
  const answer: Answer = async () => {
    await came
    return page
  }
  return { answer, come: () => come() }
}
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`)

describe('one drain', () => {
  test('publishes every client, saves where it stands, and ends', async () => {
    const { start, published, stored, checkpoint } = await running(drainOf(4), { until: 'one-drain' })
    expect(await start()).toBe('drained')
    expect(published()).toEqual(['1', '2', '3', '4'])
    expect(stored().pending).toBeNull()
    expect(stored().committed.state).toEqual(checkpoint.state())
    expect(stored().committed.state.resume).toMatchObject({ drain: 'due', checkPoint: null, startedAt: noon })
  })
})

describe('group commit', () => {
  test('under a backlog pages share a transaction until it is large enough', async () => {
    const { start, groups, published } = await running(drainOf(10), { until: 'one-drain', groupMaxSize: 1_000 })
    await start()
    expect(published()).toEqual(numbers(1, 10))
    const sizes = groups().map(([pages]) => pages)
    expect(sizes).toEqual([4, 4, 2]) // about 330 characters an event
  })

  test('or until its time is over: what is there goes, what is still coming is not waited for', async () => {
    const [first, second, third] = drainOf(3)
    if (first === undefined || second === undefined || third === undefined) throw new Error('three pages')
    const late = slow(third)
    const { start, clock, groups, stop } = await running([first, second, late.answer])
    const end = start()
    await settled()
    expect(groups()).toEqual([])
    expect(clock.nextTimerAt()).toBe(noon + 50)
    clock.fireNext()
    await settled()
    expect(groups()).toEqual([[2, 2]])
    late.come()
    await settled()
    expect(groups()).toEqual([
      [2, 2],
      [1, 1],
    ])
    stop()
    expect(await end).toBe('stopped')
  })

  test('at the tail a page is committed at once', async () => {
    const { start, groups, clock, stop } = await running(drainOf(1))
    const end = start()
    await settled()
    expect(groups()).toEqual([[1, 1]])
    expect(clock.now()).toBe(noon)
    stop()
    await end
  })

  test('all of it counts as one transaction, with one number', async () => {
    const { start, transactions, checkpoint } = await running(drainOf(10), { until: 'one-drain' })
    await start()
    expect([transactions(), checkpoint.seq()]).toEqual([1, 1])
  })
})

describe('memory', () => {
  test('holds two pages at most beside the group being delivered: one gathered, one waiting', async () => {
    const { start, source, hold, release, stop, published } = await running(drainOf(6), { groupMaxSize: 1 })
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

describe('the order', () => {
  test('Invariant 3: the events of a client come in the order of the API, over pages and transactions', async () => {
    const versions = numbers(1, 9).map((Nom, index) =>
      pageOf([{ No: '7', Nom }], { hasMoreResults: index < 8, checkPoint: token(`t${index}`) }),
    )
    const { start, kafka } = await running(versions, { until: 'one-drain', groupMaxSize: 1_000 })
    await start()
    expect(kafka.committed.map(({ value }) => JSON.parse(value).data.Nom)).toEqual(numbers(1, 9))
    expect(kafka.committed.map(({ value }) => Number(JSON.parse(value).sequence))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('what an overlap brings again unchanged is dropped and counted', async () => {
    const { start, published, clock, events, stop } = await running([...drainOf(2), ...drainOf(3)])
    const end = start()
    await settled()
    clock.fireNext()
    await settled()
    clock.fireNext()
    await settled()
    expect(published()).toEqual(['1', '2', '3'])
    const suppressed = events.map((event) => (event.kind === 'group-published' ? event.suppressed : 0))
    expect(suppressed.reduce((sum, count) => sum + count, 0)).toBe(2)
    stop()
    await end
  })
})

describe('stopping', () => {
  test('Invariant 6: finishes the page in hand, saves, and hands over', async () => {
    const { start, hold, release, stop, published, stored, checkpoint, source } = await running(drainOf(5), {
      groupMaxSize: 1,
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
    expect(await end).toBe('stopped')
    // The page being delivered, the one gathered meanwhile and the one read ahead: whoever goes on reads none again.
    expect(published()).toEqual(['1', '2', '3'])
    expect(source.asked).toHaveLength(3)
    expect(stored()).toMatchObject({
      pending: null,
      committed: { seq: 3, state: { resume: { checkPoint: 't3', drain: 'open' } } },
    })
    expect(stored().committed.state).toEqual(checkpoint.state())
  })

  test('Invariant 6: saves what polls without events have moved', async () => {
    const { start, clock, stop, stored } = await running([...drainOf(1), ...drainOf(1)])
    const end = start()
    await settled()
    clock.fireNext()
    await settled()
    stop()
    await end
    expect(stored().pending).toBeNull()
    expect(stored().committed.state.window.frozen).toHaveLength(1)
  })

  test('gives up a read under way, publishes nothing of it, and saves', async () => {
    const { start, stop, stored, writes } = await running([])
    const end = start()
    await settled()
    stop()
    expect(await end).toBe('stopped')
    expect(writes()).toBe(1)
    expect(stored().committed.state.resume.lastChanged).toBe('2026-06-15T11:00:00')
  })

  test('a group that waits for more pages is delivered, not thrown away', async () => {
    const [first, second] = drainOf(2)
    if (first === undefined || second === undefined) throw new Error('two pages')
    const late = slow(second)
    const { start, stop, published } = await running([first, late.answer])
    const end = start()
    await settled()
    expect(published()).toEqual([])
    stop()
    await settled()
    expect(published()).toEqual(['1'])
    late.come()
    expect(await end).toBe('stopped')
    expect(published()).toEqual(['1'])
  })

  test('does not wait for ever: what cannot be finished is given up on', async () => {
    const { start, stop, held, giveUp, published, kafka } = await running(drainOf(1))
    held.store = new Promise<MemoryFault>(() => {})
    const end = start().catch((error: unknown) => codeOf(error))
    await settled()
    stop()
    giveUp.abort(new DOMException('over', 'TimeoutError'))
    expect(await end).toBe('storage.unavailable')
    expect([published(), kafka.openTransactions()]).toEqual([[], []])
  })
})

describe('polls that bring nothing new', () => {
  test('are saved once a period at most', async () => {
    const { start, clock, writes, stop, source, transactions } = await running([
      ...drainOf(1),
      ...new Array<Page>(60).fill(pageOf([])),
    ])
    const end = start()
    await settled()
    expect(writes()).toBe(1)
    while (clock.now() < noon + 170_000) {
      clock.fireNext()
      await settled()
    }
    expect(source.asked.length).toBeGreaterThan(30)
    expect(writes()).toBe(1 + 2)
    expect(transactions()).toBe(1)
    stop()
    await end
  })
})

describe('trouble', () => {
  test('what was read before an error of the source is delivered first', async () => {
    const [first, second] = drainOf(3)
    if (first === undefined || second === undefined) throw new Error('two pages')
    const { start, published } = await running([first, second, new ConnectorError('source.unreachable', 'scripted')])
    expect(codeOf(await start().catch((error: unknown) => error))).toBe('source.unreachable')
    expect(published()).toEqual(['1', '2'])
  })

  test('while the store is away nothing is published, and the reader does not run ahead', async () => {
    const { start, held, published, kafka, source } = await running(drainOf(5), { groupMaxSize: 1 })
    held.store = 'before'
    expect(codeOf(await start().catch((error: unknown) => error))).toBe('storage.unavailable')
    expect([published(), kafka.note('shop', 'clients'), kafka.openTransactions()]).toEqual([[], undefined, []])
    expect(source.asked.length).toBeLessThanOrEqual(3)
  })

  test('a refused checkPoint is read again, what is known already is not published again', async () => {
    const [first, second] = drainOf(3)
    if (first === undefined || second === undefined) throw new Error('two pages')
    const refused = new ConnectorError('source.request-refused', 'scripted')
    const answers = [first, second, refused, pageOf([]), ...drainOf(4)]
    const { start, published, source, kinds } = await running(answers, { until: 'one-drain' })
    expect(await start()).toBe('drained')
    expect(published()).toEqual(['1', '2', '3', '4'])
    expect(source.asked.map(({ checkPoint }) => checkPoint)).toEqual([null, 't1', 't2', null, null, 't1', 't2', 't3'])
    expect(kinds()).toContain('checkpoint-refused')
  })

  test('where modification times are mapped, it is read again from the last one minus the overlap', async () => {
    const Modif = '2026-06-15T11:40:00'
    const first = pageOf([{ No: '1', Modif }], { hasMoreResults: true, checkPoint: token('t1') })
    const refused = new ConnectorError('source.request-refused', 'scripted')
    const { start, source } = await running([first, refused, pageOf([]), pageOf([])], { until: 'one-drain' })
    expect(await start()).toBe('drained')
    expect(source.asked.at(-1)).toMatchObject({ lastChanged: '2026-06-15T11:35:00', checkPoint: null })
  })

  test('a server that refuses every checkPoint stops the stream', async () => {
    const refused = new ConnectorError('source.request-refused', 'scripted')
    const [first] = drainOf(2)
    if (first === undefined) throw new Error('a page')
    const round = [first, refused, pageOf([])]
    const { start, published } = await running([...round, ...round, ...round, ...round, ...round])
    expect(codeOf(await start().catch((error: unknown) => error))).toBe('source.checkpoint-refused')
    expect(published()).toEqual(['1'])
  })
})

test('Invariant 1: the end of a drain is told once its last page is done', async () => {
  const { start, hold, release, kinds, stop } = await running(drainOf(1))
  hold()
  const end = start()
  await settled()
  expect(kinds()).not.toContain('caught-up')
  release()
  await settled()
  expect(kinds().slice(-2)).toEqual(['group-published', 'caught-up'])
  stop()
  await end
})
