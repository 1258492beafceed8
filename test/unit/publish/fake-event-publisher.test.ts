import { describe, expect, it } from 'vitest'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import {
  type FakeFault,
  type FakeKafkaOptions,
  type FakeOperation,
  fakeKafka,
} from '../../support/fake-event-publisher.ts'

const never = new AbortController().signal
const event = { to: 'events', key: '1', value: '1' } as const
const note = { epoch: 1, seq: 1, nonce: 'n' }
const of = { connector: 'c', stream: 's' }

/** A fake whose operation `target` meets `fault`, once. */
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
  const session = await kafka.publisher(of).open(never)
  await using transaction = session.begin(never)
  try {
    await transaction.send([event])
    await transaction.commit(note)
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
  ] as const)('when %s fails %s: %s, and %i records appear', async (operation, fault, code, count) => {
    const kafka = faulty(operation, fault)
    expect(await attempt(kafka)).toBe(code)
    expect(kafka.committed).toHaveLength(count)
  })

  it('lets a late end of a transaction take effect as long as nobody has opened the stream again', async () => {
    const kafka = faulty('commit', 'late')
    await attempt(kafka)
    expect(kafka.openTransactions()).toEqual(['c.s'])
    kafka.deliverLate()
    expect(kafka.committed).toHaveLength(1)
    expect((await (await kafka.publisher(of).open(never)).readNote(never)).note).toEqual(note)
  })

  it('refuses a late end of a transaction once the stream was opened again', async () => {
    const kafka = faulty('commit', 'late')
    await attempt(kafka)
    const session = await kafka.publisher(of).open(never)
    kafka.deliverLate()
    expect(kafka.committed).toEqual([])
    expect((await session.readNote(never)).note).toBeUndefined()
  })

  it('lets a late opening fence the session that runs by then', async () => {
    const kafka = faulty('open', 'late')
    await expect(kafka.publisher(of).open(never)).rejects.toMatchObject({ code: 'publish.unreachable' })
    const session = await kafka.publisher(of).open(never)
    kafka.deliverLate()
    await expect(session.begin(never).send([event])).rejects.toMatchObject({ code: 'publish.fenced' })
  })

  it('does not show a commit to the reader of the note before the next opening', async () => {
    const kafka = fakeKafka({ partitions: 1, clock: { now: () => 0 } })
    const session = await kafka.publisher(of).open(never)
    const transaction = session.begin(never)
    await transaction.send([event])
    await transaction.commit(note)
    expect((await session.readNote(never)).note).toBeUndefined()
    expect((await (await kafka.publisher(of).open(never)).readNote(never)).note).toEqual(note)
  })

  it('leaves a transaction open, and never answers, when its replica crashes', async () => {
    const kafka = fakeKafka({ partitions: 1, clock: { now: () => 0 } })
    const session = await kafka.publisher({ ...of, replica: 'a' }).open(never)
    const transaction = session.begin(never)
    await transaction.send([event])
    kafka.crash('a')
    let isSettled = false
    transaction.commit(note).finally(() => {
      isSettled = true
    })
    await new Promise(setImmediate)
    expect(isSettled).toBe(false)
    expect(kafka.openTransactions()).toEqual(['c.s'])
    await kafka.publisher({ ...of, replica: 'b' }).open(never)
    expect(kafka.openTransactions()).toEqual([])
  })

  it('forgets notes by age, and when told to', async () => {
    let now = 0
    const kafka = fakeKafka({ partitions: 1, clock: { now: () => now }, noteRetentionMs: 100 })
    const readNote = async () => (await (await kafka.publisher(of).open(never)).readNote(never)).note
    await attempt(kafka)
    now = 100
    expect(await readNote()).toEqual(note)
    now = 101
    expect(await readNote()).toBeUndefined()
    await attempt(kafka)
    kafka.deleteNote('c', 's')
    expect(await readNote()).toBeUndefined()
  })
})
