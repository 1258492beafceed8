import { describe, expect, test } from 'vitest'
import { beginning, type StreamState, stateAfter } from '../../../connector/checkpoint/stream-state.ts'
import { type GroupParts, groupBuilder } from '../../../connector/pipeline/group.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { groupParts } from './open-parts.ts'
import { noon, pageOf, reading, resumePoint, token } from './readings.ts'

const MINUTE = 60_000
const start = beginning(resumePoint({ drain: 'due', startedAt: null }))

function building(more: Partial<GroupParts> = {}, from: StreamState = start) {
  const events: PipelineEvent[] = []
  const builder = groupBuilder({ ...groupParts, ...more, observe: (event) => events.push(event) }, from)
  return { builder, events, of: (kind: PipelineEvent['kind']) => events.filter((event) => event.kind === kind) }
}
const sequences = (records: readonly { value: string }[]) =>
  records.map(({ value }) => Number(JSON.parse(value).sequence))
const middle = { beginsDrain: false, isLastOfDrain: false, next: resumePoint({ checkPoint: token('t1') }) }
const time = (text: string) => `2026-06-15T${text}` as SourceTime

describe('a group', () => {
  test('holds the records of its pages in their order, and leads to where the last one does', () => {
    const { builder } = building()
    builder.add(
      reading([{ No: '2' }, { No: '1' }], { isLastOfDrain: false, next: resumePoint({ checkPoint: token('t1') }) }),
    )
    builder.add(reading([{ No: '3' }], middle))
    const group = builder.finish()
    expect(group).toMatchObject({ pages: 2, deadLetters: 0, suppressed: 0 })
    expect(group.records.map(({ key }) => key)).toEqual(['2', '1', '3'])
    expect(group.size).toBe(group.records.reduce((sum, { value }) => sum + value.length, 0))
    expect(group.after.resume).toEqual({ ...middle.next, lastModifiedAt: null })
    expect(group.after.events).toBe(3)
  })

  test('the next one goes on from where it ended', () => {
    const { builder } = building()
    builder.add(reading([{ No: '1' }, { No: '2' }]))
    builder.finish()
    expect(builder.size()).toBe(0)
    builder.add(reading([{ No: '2' }, { No: '3' }], { beginsDrain: false }))
    const group = builder.finish()
    expect(sequences(group.records)).toEqual([2])
    expect(group.suppressed).toBe(1)
  })

  test('counts on from the events of the state that it begins with', () => {
    const { builder } = building({}, { ...start, events: 40 })
    builder.add(reading([{ No: '1' }, {}, { No: '2' }]))
    const group = builder.finish()
    expect(sequences(group.records.filter(({ to }) => to === 'events'))).toEqual([40, 41])
    expect([group.deadLetters, group.after.events]).toEqual([1, 42])
  })

  test('Invariant 2: its change leads a reloaded state to the very same one, drain after drain', () => {
    const { builder } = building({ windowCapacity: 3 })
    let stored = start
    for (let drain = 0; drain < 6; drain += 1) {
      const freezeFrom = time(`11:${50 + drain}:00`)
      const clients = ['1', '2', '3', '4'].map((No) => ({
        No,
        Nom: `${(drain * Number(No)) % 3}`,
        Modif: time(`11:${51 + drain}:00`),
      }))
      builder.add(reading(clients.slice(0, 2), { freezeFrom, isLastOfDrain: false, next: middle.next }))
      builder.add(reading(clients.slice(2), { beginsDrain: false }))
      const { change, after } = builder.finish()
      stored = stateAfter(JSON.parse(JSON.stringify(stored)), JSON.parse(JSON.stringify(change)), 3)
      expect(stored).toEqual(after)
    }
  })

  test('an empty page leads on, too', () => {
    const { builder } = building()
    builder.add(reading([], middle))
    expect(builder.finish()).toMatchObject({
      pages: 1,
      records: [],
      change: { resume: { checkPoint: 't1' }, windowSteps: [] },
    })
  })
})

describe('the window of a group', () => {
  test('is frozen when a drain begins, before its first client is compared', () => {
    const { builder } = building()
    builder.add(
      reading([
        { No: '1', Modif: time('11:58:00') },
        { No: '2', Modif: time('11:50:00') },
      ]),
    )
    builder.add(reading([{ No: '2', Modif: time('11:50:00') }], { beginsDrain: false }))
    expect(builder.finish().suppressed).toBe(1)
    const again = [
      { No: '1', Modif: time('11:58:00') },
      { No: '2', Modif: time('11:50:00') },
    ]
    builder.add(reading(again, { freezeFrom: time('11:59:00') }))
    const { change, suppressed } = builder.finish()
    expect(change.windowSteps.map(({ kind }) => kind)).toEqual(['freeze', 'seen'])
    expect(suppressed).toBe(0)
  })

  test('says how many clients fell out', () => {
    const { builder, of } = building({ windowCapacity: 2 })
    builder.add(reading([{ No: '1' }, { No: '2' }]))
    builder.add(reading([{ No: '3' }], { beginsDrain: false }))
    expect(of('window-overflowed')).toEqual([{ kind: 'window-overflowed', entries: 2 }])
  })
})

describe('how far a drain got', () => {
  test('is counted in drains and clients since its beginning, and by the last modification time', () => {
    const { builder } = building()
    builder.add(reading([{ No: '1', Modif: time('11:00:00') }, { No: '2' }], { isLastOfDrain: false }))
    builder.add(reading([{ No: '3' }], middle))
    expect([builder.progress(), builder.lastModifiedAt()]).toEqual([{ drains: 0, clients: 3 }, '2026-06-15T11:00:00'])
    builder.finish()
    builder.add(reading([{ No: '4', Modif: time('11:30:00') }], middle))
    expect([builder.progress(), builder.lastModifiedAt()]).toEqual([{ drains: 0, clients: 4 }, '2026-06-15T11:30:00'])
    builder.add(reading([], { beginsDrain: false }))
    expect(builder.progress()).toEqual({ drains: 1, clients: 0 })
    builder.add(reading([{ No: '5' }], { isLastOfDrain: false }))
    expect([builder.progress(), builder.lastModifiedAt()]).toEqual([{ drains: 1, clients: 1 }, null])
  })
})

describe('which fields are which', () => {
  const open = { fields: { clientId: null, modifiedAt: null } }

  test('is found on the first page with a client, told once, and stays in the state', () => {
    const { builder, of } = building(open)
    builder.add(reading([]))
    builder.add(reading([{ Numero: '1', DateModif: time('11:00:00') }]))
    builder.add(reading([{ Numero: '2', Id: 'x', DateModif: time('11:00:00') }]))
    expect(builder.finish().after.mapping).toEqual({ clientId: 'Numero', modifiedAt: 'DateModif' })
    expect(of('field-detected')).toEqual([
      { kind: 'field-detected', setting: 'POLARIS_CLIENT_ID_FIELD', field: 'Numero' },
      { kind: 'field-detected', setting: 'POLARIS_MODIFIED_AT_FIELD', field: 'DateModif' },
    ])
  })

  test('is not told where it is configured or was found before', () => {
    const configured = building()
    configured.builder.add(reading([{ No: '1' }]))
    const known = building(open, { ...start, mapping: { clientId: 'No', modifiedAt: null } })
    known.builder.add(reading([{ No: '1', Id: '2' }]))
    expect([...configured.of('field-detected'), ...known.of('field-detected')]).toEqual([])
  })
})

describe('what a group tells about', () => {
  test('a restless field, after five overlaps running', () => {
    const { builder, of } = building()
    for (let drain = 0; drain <= 5; drain += 1) builder.add(reading([{ No: '1', Points: `${drain}` }]))
    expect(of('fields-keep-changing')).toEqual([{ kind: 'fields-keep-changing', fields: ['Points'] }])
  })

  test('the lateness of each change that is published after the first drain', () => {
    const { builder, of } = building()
    builder.add(reading([{ No: '0', Modif: time('11:00:00') }]))
    const changes = [{ No: '1', Modif: time('11:58:00') }, { No: '2' }, { No: '3', Modif: time('12:30:00') }]
    builder.add(reading(changes, { previousStartedAt: noon - MINUTE }))
    expect(of('lateness')).toEqual([
      { kind: 'lateness', ms: 2 * MINUTE },
      { kind: 'lateness', ms: 0 },
    ])
  })

  test('lateness above half the overlap, where the drain before could have seen the change', () => {
    const { builder, of } = building()
    const late = [{ No: '1', Modif: time('11:55:00') }]
    builder.add(reading(late, { previousStartedAt: null }))
    builder.add(reading([{ No: '2', Modif: time('11:55:00') }], { previousStartedAt: noon - 3 * MINUTE }))
    expect(of('lateness-high')).toEqual([])
    builder.add(reading([{ No: '3', Modif: time('11:55:00') }], { previousStartedAt: noon - MINUTE }))
    expect(of('lateness-high')).toEqual([{ kind: 'lateness-high', ms: 4 * MINUTE, overlapMs: 5 * MINUTE }])
  })
})

test('too many clients that cannot become an event stop the stream, with the field in question and no content', () => {
  const { builder } = building()
  const bad = Array.from({ length: 10 }, (_, index) => ({ Nom: `planted-${index}` }))
  const caught = (() => {
    try {
      builder.add(reading(bad, { page: pageOf(bad) }))
    } catch (error) {
      return error
    }
  })()
  expect(codeOf(caught)).toBe('event.too-many-dead-letters')
  expect(String(caught)).toContain('at No')
  expect(String(caught)).not.toContain('planted')
})
