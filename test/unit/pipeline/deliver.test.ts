import { describe, expect, test } from 'vitest'
import { parseDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { type Delivery, deliverBy, withDeadline } from '../../../connector/pipeline/deliver.ts'
import { groupBuilder } from '../../../connector/pipeline/group.ts'
import { openStream } from '../../../connector/pipeline/open-stream.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { FakeFault, FakeOperation } from '../../support/fake-event-publisher.ts'
import type { MemoryFault } from '../../support/memory-versioned-object.ts'
import { connector, groupParts, KEY, settled, stage, stream } from './open-parts.ts'
import { reading } from './readings.ts'

const { signal } = new AbortController()

/** An open stream with a group of two events; `faults` holds what happens to the next calls. */
async function delivering(delivery: Delivery = 'exactly-once') {
  const calls: string[] = []
  const faults: {
    kafka?: Partial<Record<FakeOperation, FakeFault | Promise<FakeFault>>>
    store?: MemoryFault | Promise<MemoryFault>
  } = {}
  const on = stage({
    delivery,
    kafka: (operation) => {
      calls.push(`kafka ${operation}`)
      return faults.kafka?.[operation] ?? 'none'
    },
    store: (call) => {
      calls.push(`store ${call.kind}`)
      return faults.store ?? 'none'
    },
  })
  const opened = await openStream(on.open, signal)
  calls.length = 0
  const builder = groupBuilder(groupParts, opened.checkpoint.state())
  builder.add(reading([{ No: '1' }, { No: '2' }]))
  const group = builder.finish()
  const time = { clock: on.clock, deliverWithinMs: 10_000, giveUp: on.giveUp.signal }
  return {
    ...on,
    ...opened,
    calls,
    faults,
    group,
    deliver: () => withDeadline(time, (finish) => deliverBy[delivery](group, opened, finish)),
    code: (delivered: Promise<unknown>) =>
      delivered.then(
        () => 'delivered',
        (error: unknown) => codeOf(error),
      ),
    note: () => on.kafka.note(connector, stream),
    published: () => on.kafka.committed.map(({ key }) => key),
    stored: () => parseDocument(on.store.stored(KEY)?.text ?? ''),
  }
}

describe('exactly once: S3 prepares, Kafka decides', () => {
  test('the events are sent while S3 prepares; the transaction ends when both are through', async () => {
    const { faults, deliver, calls, published } = await delivering()
    let prepared = (_fault: MemoryFault) => {}
    faults.store = new Promise((resolve) => {
      prepared = resolve
    })
    const delivered = deliver()
    await settled()
    expect(calls.toSorted()).toEqual(['kafka send', 'store write'])
    prepared('none')
    await delivered
    expect(calls.slice(2)).toEqual(['kafka commit'])
    expect(published()).toEqual(['1', '2'])
  })

  test('Invariant 1: nothing is decided while an event is not known to be stored', async () => {
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

  test('events and note become visible together, and the checkpoint goes on from there', async () => {
    const { deliver, note, stored, checkpoint, group } = await delivering()
    await deliver()
    const { epoch, seq, nonce } = stored().pending ?? {}
    expect(note()).toEqual({ epoch, seq, nonce })
    expect([checkpoint.seq(), checkpoint.state()]).toEqual([1, group.after])
  })

  test.each(['before', 'after', 'late'] as const)(
    'Invariant 2: a PUT that fails (%s) aborts the transaction first',
    async (fault) => {
      const { faults, deliver, code, calls, kafka, published, note, checkpoint } = await delivering()
      faults.store = fault
      expect(await code(deliver())).toBe('storage.unavailable')
      expect(calls.toSorted()).toEqual(['kafka abort', 'kafka send', 'store write'])
      expect([published(), note(), kafka.openTransactions()]).toEqual([[], undefined, []])
      expect(checkpoint.seq()).toBe(0)
    },
  )

  test('a PUT that does not come back in time is given up on, and the transaction aborted', async () => {
    const { faults, deliver, code, clock, kafka, published } = await delivering()
    faults.store = new Promise(() => {})
    const delivered = code(deliver())
    await settled()
    clock.fireNext()
    expect(await delivered).toBe('storage.unavailable')
    expect([published(), kafka.openTransactions()]).toEqual([[], []])
  })

  test('when the time for a stop is over, it is given up on just so', async () => {
    const { faults, deliver, code, giveUp, kafka } = await delivering()
    faults.store = new Promise(() => {})
    const delivered = code(deliver())
    await settled()
    giveUp.abort(new DOMException('too late', 'TimeoutError'))
    expect(await delivered).toBe('storage.unavailable')
    expect(kafka.openTransactions()).toEqual([])
  })

  test('events that Kafka does not take let the PUT be given up on', async () => {
    const { faults, deliver, code, published, note, stored } = await delivering()
    let store = (_fault: MemoryFault) => {}
    faults.kafka = { send: 'before' }
    faults.store = new Promise((resolve) => {
      store = resolve
    })
    expect(await code(deliver())).toBe('publish.failed')
    store('none')
    await settled()
    expect([published(), note(), stored().pending]).toEqual([[], undefined, null])
  })

  test.each(['after', 'before'] as const)(
    'Invariant 2: an end without an answer (%s) is resolved by its note when the stream is opened again',
    async (fault) => {
      const { faults, deliver, code, open, published } = await delivering()
      faults.kafka = { commit: fault }
      expect(await code(deliver())).toBe(fault === 'after' ? 'publish.outcome-unknown' : 'publish.failed')
      const { checkpoint } = await openStream(open, signal)
      expect([checkpoint.seq(), checkpoint.state().events]).toEqual(fault === 'after' ? [1, 2] : [0, 0])
      expect(published()).toEqual(fault === 'after' ? ['1', '2'] : [])
    },
  )

  test('Invariant 4: a replica that was taken over can neither publish nor move the checkpoint', async () => {
    const { deliver, code, kafka, open, published, stored } = await delivering()
    const publisher = kafka.publisher({ connector, stream, replica: 'replica-2' })
    await openStream({ ...open, publisher, owner: 'replica-2' }, signal)
    const claimed = stored()
    expect(await code(deliver())).toBe('publish.fenced')
    expect(published()).toEqual([])
    expect(stored()).toEqual(claimed)
  })
})

describe('at least once', () => {
  test('the events come first, then the checkpoint; there is no note', async () => {
    const { deliver, calls, published, stored, note, group } = await delivering('at-least-once')
    await deliver()
    expect(calls).toEqual(['kafka send', 'store write'])
    expect(published()).toEqual(['1', '2'])
    expect(note()).toBeUndefined()
    expect(stored().committed).toMatchObject({ seq: 1, by: 'at-least-once', state: group.after })
  })

  test('Invariant 1: the checkpoint stays where it is when an event did not arrive', async () => {
    const { faults, deliver, code, calls, stored } = await delivering('at-least-once')
    faults.kafka = { send: 'before' }
    expect(await code(deliver())).toBe('publish.failed')
    expect(calls).not.toContain('store write')
    expect(stored().committed.seq).toBe(0)
  })

  test('Invariant 7: what a lost PUT makes it publish again has the same ids', async () => {
    const { faults, deliver, code, kafka, group, open } = await delivering('at-least-once')
    faults.store = 'before'
    expect(await code(deliver())).toBe('storage.unavailable')
    faults.store = 'none'
    const again = await openStream(open, signal)
    await deliverBy['at-least-once'](group, again, signal)
    const ids = kafka.committed.map(({ value }) => JSON.parse(value).id)
    expect(ids).toHaveLength(4)
    expect(ids.slice(2)).toEqual(ids.slice(0, 2))
  })
})

test('errors of a delivery pass the deadline unchanged, and its timer goes with it', async () => {
  const { clock, giveUp } = stage()
  const time = { clock, deliverWithinMs: 10_000, giveUp: giveUp.signal }
  const error = new Error('its own')
  await expect(withDeadline(time, () => Promise.reject(error))).rejects.toBe(error)
  expect(await withDeadline(time, async () => 'done')).toBe('done')
  expect(clock.nextTimerAt()).toBeUndefined()
})
