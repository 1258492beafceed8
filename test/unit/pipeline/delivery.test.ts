import { describe, expect, test } from 'vitest'
import { deliverGroup, pageGroupDelivery, withDeadline } from '../../../connector/pipeline/delivery.ts'
import { pageGroupBuilder } from '../../../connector/pipeline/group/page-group.ts'
import { optionsWithoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { FakeFault, FakeOperation } from '../../support/fakes/fake-event-publisher.ts'
import type { MemoryFault } from '../../support/fakes/memory-versioned-object.ts'
import { settled } from '../../support/fakes/virtual-clock.ts'
import { never } from '../../support/signals.ts'
import { connector, groupParts, KEY, openedStream, stage } from '../stream/open/open-parts.ts'
import { building } from './builders.ts'
import { noon, reading } from './readings.ts'

/** An open stream with a group of two events; `faults` are applied to the next calls. */
async function delivering() {
  const calls: string[] = []
  const faults: {
    kafka?: Partial<Record<FakeOperation, FakeFault | Promise<FakeFault>>>
    store?: MemoryFault | Promise<MemoryFault>
  } = {}
  const on = stage({
    kafka: (operation) => {
      calls.push(`kafka ${operation}`)
      return faults.kafka?.[operation] ?? 'none'
    },
    store: (call) => {
      calls.push(`store ${call.kind}`)
      return faults.store ?? 'none'
    },
  })
  const opened = await openedStream(on.openParts, never)
  calls.length = 0
  const state = opened.checkpoint.state()
  const builder = pageGroupBuilder(groupParts(), { state, table: opened.checkpoint.table })
  builder.add(reading([{ No: '1' }, { No: '2' }]))
  const group = builder.finish()
  const time = { clock: on.clock, deliverWithinMs: 10_000, giveUp: on.giveUp.signal }
  return {
    ...on,
    ...opened,
    calls,
    faults,
    deliver: () => withDeadline(time, (finish) => deliverGroup(group, opened, finish)),
    code: (delivered: Promise<unknown>) =>
      delivered.then(
        () => 'delivered',
        (error: unknown) => codeOf(error),
      ),
  }
}

describe('S3 prepares, Kafka decides', () => {
  test('Invariant 2: sends the events only once their prepare is stored, then commits the transaction', async () => {
    const { faults, deliver, calls, published } = await delivering()
    let prepared = (_fault: MemoryFault) => {}
    faults.store = new Promise((resolve) => {
      prepared = resolve
    })
    const delivered = deliver()
    await settled()
    expect(calls).toEqual(['store write'])
    prepared('none')
    await delivered
    expect(calls).toEqual(['store write', 'kafka send', 'kafka commit'])
    expect(published()).toEqual(['1', '2'])
  })

  test('gives up a PUT and sends nothing when the PUT times out', async () => {
    const { faults, deliver, code, clock, kafka, published } = await delivering()
    faults.store = new Promise(() => {})
    const delivered = code(deliver())
    await clock.advance(10_000)
    expect(await delivered).toBe('storage.unavailable')
    expect([published(), kafka.openTransactions()]).toEqual([[], []])
  })
})

test.each(['with', 'without'])(
  'a group %s records opens the stream again, and nothing is published, once its topic was deleted and created again',
  async (what) => {
    const on = stage()
    const opened = await openedStream(on.openParts, never)
    const { deliver } = pageGroupDelivery(
      { ...on.pipelineParts, observe: on.openParts.observe, onDelivered: () => {} },
      opened,
    )
    const state = opened.checkpoint.state()
    const builder = pageGroupBuilder(groupParts(), { state, table: opened.checkpoint.table })
    builder.add(reading(what === 'with' ? [{ No: '1' }] : []))
    on.kafka.deleteTopic()
    await on.kafka.publisher({ connector, stream: 'other' }).open(optionsWithoutCheckpoint, never) // creates it
    await expect(deliver({ group: builder.finish(), events: [] })).rejects.toMatchObject({ code: 'publish.failed' })
    expect([on.published(), on.document().pending]).toEqual([[], null])
  },
)

test('withDeadline passes errors of a delivery on unchanged, and leaves no timer', async () => {
  const { clock, giveUp } = stage()
  const time = { clock, deliverWithinMs: 10_000, giveUp: giveUp.signal }
  const error = new Error('delivery failed')
  await expect(withDeadline(time, () => Promise.reject(error))).rejects.toBe(error)
  expect(await withDeadline(time, async () => 'done')).toBe('done')
  expect(clock.nextTimerAt()).toBeUndefined()
})

test('a delivered group reports the delays of its changes, the scans after it, and the size of the client index', async () => {
  const on = stage()
  const opened = await openedStream(on.openParts, never)
  const { deliver } = pageGroupDelivery(
    { ...on.pipelineParts, observe: on.openParts.observe, onDelivered: () => {} },
    opened,
  )
  const { builder, state } = building()
  builder.add(reading([{ No: '1', Modif: '2026-06-15T11:59:57' }]))
  await deliver({ group: builder.finish(), events: [{ kind: 'fell-behind' }] })
  expect(on.events.slice(-2)).toMatchObject([
    {
      kind: 'pages-published',
      delays: [3_000],
      newestChange: noon - 3_000,
      hasLiveEnd: true,
      scans: { ...state().scans, lastScanNumber: 1 },
      indexSize: { clients: 1, memoryBytes: opened.checkpoint.table.bytes(), segments: 0 },
    },
    { kind: 'fell-behind' },
  ])
})

test('groups without records are saved once a period', async () => {
  const on = stage()
  const opened = await openedStream(on.openParts, never)
  const { deliver } = pageGroupDelivery({ ...on.pipelineParts, observe: () => {}, onDelivered: () => {} }, opened)
  const { builder } = building()
  const before = on.store.history(KEY).length
  for (const passedMs of [0, 60_000, 0]) {
    on.clock.jump(passedMs)
    await deliver({ group: builder.finish(), events: [] })
  }
  expect(on.store.history(KEY).length - before).toBe(1)
})
