import { describe, expect, test } from 'vitest'
import { parseDocument, stateAfter } from '../../../connector/checkpoint/checkpoint-document.ts'
import { deliverGroup, pageGroupDelivery, withDeadline } from '../../../connector/pipeline/delivery.ts'
import { pageGroupBuilder } from '../../../connector/pipeline/group/page-group.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { FakeFault, FakeOperation } from '../../support/fakes/fake-event-publisher.ts'
import type { MemoryFault } from '../../support/fakes/memory-versioned-object.ts'
import { never } from '../../support/signals.ts'
import { connector, groupParts, KEY, openedStream, settled, stage, stream } from '../stream/open/open-parts.ts'
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
  const opened = await openedStream(on.open, never)
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
    builder,
    group,
    after: stateAfter(state, group.change),
    deliver: () => withDeadline(time, (finish) => deliverGroup(group, opened, finish)),
    code: (delivered: Promise<unknown>) =>
      delivered.then(
        () => 'delivered',
        (error: unknown) => codeOf(error),
      ),
    record: () => on.kafka.record(connector, stream),
    published: () => on.kafka.committed.map(({ key }) => key),
    stored: () => parseDocument(on.store.stored(KEY)?.text ?? ''),
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

  test('Invariant 1: does not commit while an event is not confirmed as stored', async () => {
    const { faults, deliver, calls } = await delivering()
    let sent = (_fault: FakeFault) => {}
    faults.kafka = {
      send: new Promise((resolve) => {
        sent = resolve
      }),
    }
    const delivered = deliver()
    await settled()
    expect(calls).not.toContain('kafka commit')
    sent('none')
    await delivered
    expect(calls.at(-1)).toBe('kafka commit')
  })

  test('makes events and commit record visible together, and advances the checkpoint', async () => {
    const { deliver, record, stored, checkpoint, after } = await delivering()
    await deliver()
    const { epoch, seq, nonce } = stored().pending ?? {}
    expect(record()).toEqual({ epoch, seq, nonce, events: after.events })
    expect([checkpoint.seq(), checkpoint.state()]).toEqual([1, after])
  })

  test.each(['before', 'after', 'late'] as const)(
    'Invariant 2: sends nothing when the PUT of the prepare fails (%s)',
    async (fault) => {
      const { faults, deliver, code, calls, kafka, published, record, checkpoint } = await delivering()
      faults.store = fault
      expect(await code(deliver())).toBe('storage.unavailable')
      expect(calls).toEqual(['store write'])
      expect([published(), record(), kafka.openTransactions()]).toEqual([[], undefined, []])
      expect(checkpoint.seq()).toBe(0)
    },
  )

  test('gives up a PUT and sends nothing when the PUT times out', async () => {
    const { faults, deliver, code, clock, kafka, published } = await delivering()
    faults.store = new Promise(() => {})
    const delivered = code(deliver())
    await settled()
    clock.fireNext()
    expect(await delivered).toBe('storage.unavailable')
    expect([published(), kafka.openTransactions()]).toEqual([[], []])
  })

  test('aborts the transaction when Kafka rejects the events', async () => {
    const { faults, deliver, code, calls, published, record } = await delivering()
    faults.kafka = { send: 'before' }
    expect(await code(deliver())).toBe('publish.failed')
    expect(calls).toEqual(['store write', 'kafka send', 'kafka abort'])
    expect([published(), record()]).toEqual([[], undefined])
  })

  test('Invariant 4: neither publishes nor writes the checkpoint when another replica opened the stream', async () => {
    const { deliver, code, kafka, open, published, stored } = await delivering()
    const publisher = kafka.publisher({ connector, stream, replica: 'replica-2' })
    await openedStream({ ...open, publisher, owner: 'replica-2' }, never)
    const claimed = stored()
    expect(await code(deliver())).toBe('publish.fenced')
    expect(published()).toEqual([])
    expect(stored()).toEqual(claimed)
  })
})

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
  const opened = await openedStream(on.open, never)
  const { deliver } = pageGroupDelivery({ ...on.pipeline, observe: on.open.observe, onDelivered: () => {} }, opened)
  const { builder, state } = building()
  builder.add(reading([{ No: '1', Modif: '2026-06-15T11:59:57' }]))
  await deliver({ group: builder.finish(), events: [{ kind: 'fell-behind' }] })
  expect(on.events.slice(-2)).toMatchObject([
    {
      ...{ kind: 'pages-published', delays: [3_000], newestChange: noon - 3_000, hasLiveEnd: true },
      states: { ...state().scans, begun: 1 },
      index: { clients: 1, memoryBytes: opened.checkpoint.table.bytes(), segments: 0 },
    },
    { kind: 'fell-behind' },
  ])
})

test('groups without records are saved once a period', async () => {
  const on = stage()
  const opened = await openedStream(on.open, never)
  const { deliver } = pageGroupDelivery({ ...on.pipeline, observe: () => {}, onDelivered: () => {} }, opened)
  const { builder } = building()
  const before = on.store.history(KEY).length
  for (const passedMs of [0, 60_000, 0]) {
    on.clock.jump(passedMs)
    await deliver({ group: builder.finish(), events: [] })
  }
  expect(on.store.history(KEY).length - before).toBe(1)
})
