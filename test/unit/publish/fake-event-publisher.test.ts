import { describe, expect, it } from 'vitest'
import { withoutCheckpoint } from '../../../connector/publish/event-publisher.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import {
  type FakeFault,
  type FakeKafkaOptions,
  type FakeOperation,
  fakeKafka,
} from '../../support/fakes/fake-event-publisher.ts'
import { sentEvent } from '../../support/records.ts'
import { never } from '../../support/signals.ts'
import { recordIn } from '../../support/stream-publisher.ts'

const event = sentEvent('1', '1')
const record = { epoch: 1, seq: 1, nonce: 'n', events: 1 }
const of = { connector: 'c', stream: 's' }

/** A fake in which the operation `target` meets `fault` once. */
function faulty(target: FakeOperation, fault: FakeFault, more: Partial<FakeKafkaOptions> = {}) {
  let isDue = true
  const hook = (operation: FakeOperation): FakeFault => {
    if (!isDue || operation !== target) return 'none'
    isDue = false
    return fault
  }
  return fakeKafka({ partitions: 1, clock: { now: () => 0 }, fault: hook, ...more })
}

async function attempt(kafka: ReturnType<typeof fakeKafka>): Promise<string> {
  const producer = await kafka.publisher(of).open(withoutCheckpoint, never)
  await using transaction = producer.begin(never)
  try {
    await transaction.send([event])
    await transaction.commit(record)
    return 'committed'
  } catch (error) {
    return codeOf(error)
  }
}

describe('fakeKafka', () => {
  it.each([
    ['send', 'before', 'publish.failed', 0],
    ['send', 'after', 'publish.failed', 0],
    ['commit', 'before', 'publish.failed', 0],
    ['commit', 'after', 'publish.outcome-unknown', 1],
    ['commit', 'late', 'publish.outcome-unknown', 0],
  ] as const)('when %s fails %s, rejects with %s and shows %i records', async (operation, fault, code, count) => {
    const kafka = faulty(operation, fault)
    expect(await attempt(kafka)).toBe(code)
    expect(kafka.committed).toHaveLength(count)
  })

  it('applies a late commit when the stream was not opened again', async () => {
    const kafka = faulty('commit', 'late')
    await attempt(kafka)
    expect(kafka.openTransactions()).toEqual(['c.s'])
    kafka.deliverLate()
    expect(kafka.committed).toHaveLength(1)
    expect(await recordIn(await kafka.publisher(of).open(withoutCheckpoint, never))).toEqual(record)
  })

  it('rejects a late commit when the stream was opened again', async () => {
    const kafka = faulty('commit', 'late')
    await attempt(kafka)
    const producer = await kafka.publisher(of).open(withoutCheckpoint, never)
    kafka.deliverLate()
    expect(kafka.committed).toEqual([])
    expect(await recordIn(producer)).toBeUndefined()
  })

  it('leaves a transaction open and never responds when its replica crashes', async () => {
    const kafka = fakeKafka({ partitions: 1, clock: { now: () => 0 } })
    const producer = await kafka.publisher({ ...of, replica: 'a' }).open(withoutCheckpoint, never)
    const transaction = producer.begin(never)
    await transaction.send([event])
    kafka.crash('a')
    let isSettled = false
    void transaction.commit(record).finally(() => {
      isSettled = true
    })
    await new Promise(setImmediate)
    expect(isSettled).toBe(false)
    expect(kafka.openTransactions()).toEqual(['c.s'])
    await kafka.publisher({ ...of, replica: 'b' }).open(withoutCheckpoint, never)
    expect(kafka.openTransactions()).toEqual([])
  })
})
