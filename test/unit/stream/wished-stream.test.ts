import { describe, expect, test } from 'vitest'
import { serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { createAssignment } from '../../../connector/stream/run-streams.ts'
import { tryPauses } from '../../../connector/stream/stream-tries.ts'
import type { FaultHook } from '../../support/fakes/fake-kafka-cluster.ts'
import { runAlone } from '../../support/run-alone.ts'
import { pageOf } from '../pipeline/readings.ts'
import { type Answer, scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { KEY, type Stage, stage } from './open/open-parts.ts'

// One stream runs on fakes in virtual time, while an operator changes its wishes and its document.

const error = (code: ErrorCode) => new ConnectorError(code, 'scripted')
const second = 1_000
const minute = 60 * second

/** A stream that is assigned here, and what operators wish of it. */
function running(answers: readonly Answer[], of: Stage = {}, whenHeld: 'waits' | 'ends' = 'waits') {
  const source = scriptedSource(answers)
  const operations: string[] = []
  const on = stage({
    source,
    ...of,
    kafka: (operation, ...rest) => {
      operations.push(operation)
      return of.kafka?.(operation, ...rest) ?? 'none'
    },
  })
  const stopping = new AbortController()
  const assignment = createAssignment()
  assignment.update(new Set(['clients']))
  const { streamParts } = on
  const start = () => runAlone({ ...streamParts, assignment, whenHeld, pauses: tryPauses }, stopping.signal)
  return {
    ...on,
    source,
    assignment,
    operations,
    start,
    stop: () => stopping.abort(new DOMException('stop', 'AbortError')),
  }
}

const failing =
  (code: ErrorCode, isFailing: () => boolean): FaultHook =>
  (operation) =>
    operation === 'open' && isFailing() ? Promise.reject(error(code)) : 'none'

describe('a pause', () => {
  test('is obeyed within ten seconds: the stream is saved, has no owner, and reads nothing more', async () => {
    const on = running([...scanOf(1), ...Array.from({ length: 9 }, () => pageOf([]))])
    const end = on.start()
    await on.clock.advance(second)
    expect(on.published()).toEqual(['1'])
    on.wish({ paused: true, reason: 'moving', at: 5 })
    await on.clock.advance(10 * second)
    expect(on.states()).toEqual(['opening', 'running', 'paused'])
    expect(on.events.at(-1)).toMatchObject({ pause: { reason: 'moving', at: 5, by: 'operator' } })
    expect(on.document()).toMatchObject({ claim: { owner: null }, pending: null, committed: { seq: 1 } })
    const asked = on.source.asked.length
    await on.clock.advance(10 * minute)
    expect(on.source.asked).toHaveLength(asked)
    on.stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })

  test('that is stored between the look of an opening and its claim is obeyed before a page is read', async () => {
    let isWished = false
    const on = running(scanOf(1), {
      store: ({ kind, key }) => {
        if (kind === 'write' && key === KEY && !isWished) {
          isWished = true
          on.wish({ paused: true })
        }
        return 'none'
      },
    })
    const end = on.start()
    await on.clock.advance(second)
    expect(on.source.asked).toEqual([])
    expect(on.document()).toMatchObject({ claim: { epoch: 1, owner: null } })
    expect(on.states()).toEqual(['opening', 'paused'])
    on.stop()
    await end
  })

  test.each(['none', 'left by its owner'] as const)(
    'of a stream whose document is %s touches nothing when it is assigned here',
    async (what) => {
      const on = running(scanOf(1))
      if (what !== 'none') {
        const before = running(scanOf(1), { endsWhen: 'caught-up' })
        await before.start()
        on.store.tamper(KEY, before.store.stored(KEY)?.text)
      }
      on.wish({ paused: true })
      const text = on.store.stored(KEY)?.text
      const end = on.start()
      await on.clock.advance(10 * minute)
      expect([on.operations, on.source.asked, on.store.stored(KEY)?.text]).toEqual([[], [], text])
      expect(on.states()).toEqual(['opening', 'paused'])
      on.stop()
      await end
    },
  )

  test('reads the wishes alone while it lasts, but for one look at the document each minute', async () => {
    const reads = { document: 0, wishes: 0 }
    const on = running(scanOf(1), {
      store: ({ kind, key }) => {
        if (kind === 'read') reads[key === KEY ? 'document' : 'wishes'] += 1
        return 'none'
      },
    })
    on.wish({ paused: true })
    const end = on.start()
    await on.clock.advance(second)
    const before = { ...reads }
    await on.clock.advance(10 * minute)
    expect(reads.document - before.document).toBe(10)
    expect(reads.wishes - before.wishes).toBeLessThanOrEqual(80)
    on.stop()
    await end
  })

  test('of a stream that another replica claims after it was read is obeyed within a minute', async () => {
    const before = running(scanOf(1), { endsWhen: 'caught-up' })
    await before.start()
    const document = before.document()
    const claimed = { ...document, claim: { ...document.claim, epoch: 2, owner: 'replica-2' } }
    let reads = 0
    const on = running(scanOf(1), {
      store: ({ kind, key }) => {
        if (kind === 'read' && key === KEY && ++reads === 2) on.store.tamper(KEY, serializeDocument(claimed))
        return 'none'
      },
    })
    on.store.tamper(KEY, serializeDocument(document))
    on.wish({ paused: true })
    const end = on.start()
    await on.clock.advance(61 * second)
    expect(on.document()).toMatchObject({ claim: { epoch: 3, owner: null }, pending: null })
    expect(on.states().at(-1)).toBe('paused')
    on.stop()
    await end
  })

  test('that cannot leave the stream shows as paused, says why, and is tried again as a hold is', async () => {
    const owned = running(scanOf(1))
    void owned.start()
    await owned.clock.advance(second)
    let isDown = true
    const on = running(scanOf(1), { kafka: failing('publish.refused', () => isDown) })
    on.store.tamper(KEY, owned.store.stored(KEY)?.text)
    on.wish({ paused: true })
    const end = on.start()
    await on.clock.advance(second)
    expect(on.states()).toEqual(['opening', 'paused'])
    expect(on.failures()).toMatchObject([{ state: 'paused', code: 'publish.refused' }])
    isDown = false
    await on.clock.advance(minute)
    expect(on.document()).toMatchObject({ claim: { owner: null } })
    expect(on.states().at(-1)).toBe('paused')
    on.stop()
    await end
  })

  test('ends a stream that is not to wait; one that cannot be left ends with its hold', async () => {
    const on = running(scanOf(1), {}, 'ends')
    on.wish({ paused: true })
    expect(await on.start()).toEqual({ kind: 'paused' })

    const damaged = running(scanOf(1), {}, 'ends')
    damaged.wish({ paused: true })
    damaged.store.tamper(KEY, '{')
    expect(await damaged.start()).toMatchObject({ kind: 'held', error: { code: 'checkpoint.damaged' } })
  })
})

describe('a hold', () => {
  const held = async () => {
    const on = running(scanOf(1))
    on.store.tamper(KEY, '{')
    const end = on.start()
    await on.clock.advance(15 * second)
    expect(on.failures()).toMatchObject([{ state: 'held', code: 'checkpoint.damaged' }])
    return { ...on, end }
  }

  test('ends within ten seconds of a change of the document', async () => {
    const on = await held()
    const right = running(scanOf(1), { endsWhen: 'caught-up' })
    await right.start()
    on.store.tamper(KEY, serializeDocument(right.document()))
    await on.clock.advance(10 * second)
    expect(on.states()).toEqual(['opening', 'held', 'running'])
    expect(on.failures()).toHaveLength(1)
    on.stop()
    await on.end
  })

  test('is tried again within ten seconds of a resume, even if nothing was paused', async () => {
    const on = await held()
    on.wish({})
    await on.clock.advance(10 * second)
    expect(on.failures()).toHaveLength(2)
    on.stop()
    await on.end
  })
})

describe('an owner', () => {
  test('stays when the stream is assigned elsewhere: its successor takes it over', async () => {
    const on = running(scanOf(1))
    const end = on.start()
    await on.clock.advance(second)
    on.assignment.update(new Set())
    await on.clock.advance(second)
    expect(on.states().at(-1)).toBe('waiting')
    expect(on.document()).toMatchObject({ claim: { owner: 'replica-1' }, pending: null, committed: { seq: 1 } })
    on.stop()
    expect(await end).toEqual({ kind: 'stopped' })
  })
})
