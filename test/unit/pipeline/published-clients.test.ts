import { describe, expect, test } from 'vitest'
import { type FieldAction, fieldHash, fieldRules } from '../../../connector/event/fields/field-rules.ts'
import { presentRules } from '../../../connector/event/read-client.ts'
import { rulesText } from '../../../connector/index/client-index.ts'
import { clientKey } from '../../../connector/index/index-entry.ts'
import { withRules } from '../../../connector/index/index-state.ts'
import type { PageReading } from '../../../connector/pipeline/read/page-reading.ts'
import { BACKFILL, FULL, LIVE, RECHECK, type Scan } from '../../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'
import { eventForm } from '../../support/records.ts'
import { at, beginAt, MINUTE, noon, SECOND, scanOf, statesOf, timeText } from '../scan/scans.ts'
import { building, idsOf, keysOf, namesOf, start } from './builders.ts'
import { liveScan, reading } from './readings.ts'

const client = (No: string, Nom: string, Modif?: string) => (Modif === undefined ? { No, Nom } : { No, Nom, Modif })

/** Delivers each page in a group of its own. */
function publishing(...from: Parameters<typeof building>) {
  const on = building(...from)
  const publish = (clients: readonly ClientRecord[], more: Partial<PageReading> = {}) => {
    on.builder.add(reading(clients, more))
    return on.delivered()
  }
  const by = (scan: Scan, clients: readonly ClientRecord[], more: Partial<PageReading> = {}) => {
    const group = publish(clients, { scan, ...more })
    return { ...group, names: namesOf(group.records), counts: group.scans.get(scan.kind) }
  }
  return { ...on, publish, by }
}
const backfillSince = (since: number, more: Partial<Scan> = {}) =>
  scanOf({ kind: 'backfill', tag: BACKFILL, from: beginAt, since, ...more })

describe('a client that is read again', () => {
  test('is suppressed while its content is that of its last event, by whichever scan', () => {
    const { publish, by } = publishing()
    publish([client('1', 'a')])
    expect(publish([client('1', 'a')]).records).toEqual([])
    expect(by(backfillSince(0), [client('1', 'a')]).counts).toMatchObject({ events: 0, suppressed: 1, superseded: 0 })
  })

  test('is published with its last change, A → B → A included, within a page and across transactions', () => {
    const { builder, publish } = publishing()
    builder.add(reading([client('1', 'a'), client('1', 'a'), client('1', 'b'), client('1', 'a')]))
    expect(namesOf(builder.finish().records)).toEqual(['a', 'b', 'a'])
    const other = publishing()
    const names = ['a', 'b', 'b', 'a', 'a'].flatMap((name) => namesOf(other.publish([client('2', name)]).records))
    expect(names).toEqual(['a', 'b', 'a'])
    expect(publish([client('3', 'x')]).records).toHaveLength(1)
  })

  test('is suppressed if only an ignored field differs', () => {
    const rules = { timeZone: 'Europe/Paris', ignored: new Set(['points']), fields: undefined }
    const { publish } = publishing({ rules })
    publish([{ No: '1', Points: '5' }])
    expect(publish([{ No: '1', Points: '6' }]).records).toEqual([])
  })

  test('is suppressed as a dead letter, and becomes an event once it can', () => {
    const { publish } = publishing({
      settings: {
        form: eventForm({ source: 's' }),
        maxValueBytes: 5_000,
        deadLetterClient: 'leave-out',
      },
    })
    const large = client('1', 'x'.repeat(9_000))
    expect(publish([large, { Nom: 'no id' }]).deadLetters).toBe(2)
    expect(publish([large, { Nom: 'no id' }])).toMatchObject({ deadLetters: 0, records: [] })
    expect(namesOf(publish([client('1', 'x')]).records)).toEqual(['x'])
  })
})

describe('an event id', () => {
  test('Invariant 7: is the same when the same page is read again from the same state', () => {
    const page = [client('1', 'a'), client('2', 'a'), client('1', 'b')]
    const ids = [publishing(), publishing()].map(({ publish }) => idsOf(publish(page).records))
    expect(ids[0]).toEqual(ids[1])
    expect(new Set(ids[0]).size).toBe(3)
  })

  test('Invariant 7: is another one for each change, also back to an earlier content, with or without a modification time', () => {
    for (const time of [undefined, '2026-06-15T11:59:00']) {
      const { publish } = publishing()
      const ids = ['a', 'b', 'a', 'b'].flatMap((name) => idsOf(publish([client('1', name, time)]).records))
      expect(new Set(ids).size).toBe(4)
    }
  })

  test('does not depend on the scan, on the group, or on settings that leave the content alone', () => {
    const page = [client('1', 'a')]
    const ids = [
      idsOf(publishing().publish(page).records),
      idsOf(publishing().by(backfillSince(0), page).records),
      idsOf(
        publishing({ rules: { timeZone: 'UTC', ignored: new Set(), fields: undefined } }).publish(page, {
          readAt: at(0),
        }).records,
      ),
    ]
    expect(new Set(ids.flat()).size).toBe(1)
  })

  test('is another one in a new generation of the index', () => {
    const again = { ...start, index: { ...start.index, generation: 5 } }
    const [first, second] = [start, again].map((state) =>
      idsOf(publishing({}, { state }).publish([client('1', 'a')]).records),
    )
    expect(first).not.toEqual(second)
  })
})

describe('a background scan', () => {
  const readAt = { ours: noon + MINUTE, server: noon + 2 * MINUTE }

  test('Invariant 3: does not publish what another scan published since it began, and has it read again', () => {
    const { publish, by, state } = publishing()
    publish([client('1', 'new')])
    const { names, counts, change } = by(backfillSince(0), [client('1', 'old'), client('2', 'a')], { readAt })
    expect(names).toEqual(['a'])
    expect(counts).toMatchObject({ events: 1, superseded: 1 })
    const recheck = { from: backfillSince(0).from, after: 1, dueAt: readAt.ours + MINUTE }
    expect([change.recheck, state().recheck]).toEqual([recheck, recheck])
  })

  test('publishes what other scans had published before it began, and what it published itself', () => {
    const { publish, by } = publishing()
    publish([client('1', 'a')])
    expect(by(backfillSince(1), [client('1', 'b'), client('2', 'a')]).names).toEqual(['b', 'a'])
    expect(by(backfillSince(1), [client('2', 'b')]).names).toEqual(['b'])
    expect(by(scanOf({ kind: 'full', tag: FULL, since: 1 }), [client('2', 'c')]).names).toEqual([])
    expect(by(scanOf({ kind: 'full', tag: FULL, since: 4 }), [client('2', 'c')]).names).toEqual(['c'])
  })

  test('leaves alone what another scan has published in a group that is not delivered yet', () => {
    const { builder } = publishing()
    builder.add(reading([client('1', 'new')]))
    builder.add(reading([client('1', 'old')], { scan: backfillSince(0) }))
    expect(namesOf(builder.finish().records)).toEqual(['new'])
    builder.add(reading([client('1', 'older')], { scan: backfillSince(0) }))
    expect(builder.finish().records).toEqual([])
  })

  test('never keeps a live scan from publishing', () => {
    const { by, publish } = publishing()
    by(backfillSince(0), [client('1', 'a')])
    expect(namesOf(publish([client('1', 'b')], { scan: liveScan({ since: 0 }) }).records)).toEqual(['b'])
  })

  test('has clients read again from the earliest of their modification times', () => {
    const { publish, by, state } = publishing()
    publish(['1', '2', '3'].map((No) => client(No, 'new')))
    const old = (No: string, day: string) => client(No, 'old', `2026-03-${day}T08:00:00`)
    by(backfillSince(0), [old('1', '05'), old('2', '02')], { readAt })
    expect(state().recheck).toEqual({ from: '2026-03-02T07:55:00', after: 1, dueAt: readAt.ours + MINUTE })
    by(backfillSince(0), [old('3', '09')], { readAt: at(noon + 3 * MINUTE) })
    expect(state().recheck).toEqual({ from: '2026-03-02T07:55:00', after: 1, dueAt: noon + 4 * MINUTE })
  })
})

describe('what is to be read again', () => {
  const recheck = { from: timeText('2026-06-15T11:00:00'), after: 7, dueAt: noon }
  const reader = (ordinal: number) => scanOf({ kind: 'look-back', tag: RECHECK, from: recheck.from, ordinal })

  test('is done with the last page of a scan that began later, and not sooner', () => {
    const { builder, delivered } = publishing({}, { state: { ...start, recheck } })
    builder.add(reading([], { scan: reader(8), isLast: false }))
    expect(builder.recheck()).toEqual(recheck)
    builder.add(reading([], { scan: reader(7), isFirst: false }))
    expect(builder.recheck()).toEqual(recheck)
    builder.add(reading([], { scan: reader(8), isFirst: false }))
    expect([builder.recheck(), delivered().change.recheck]).toEqual([null, null])
  })

  test('remains when that scan finds another client that was published meanwhile', () => {
    const { publish, by, state } = publishing({}, { state: { ...start, recheck } })
    publish([client('1', 'new')])
    const states = statesOf({ begun: 9 })
    by(reader(8), [client('1', 'old')], { readAt: at(noon + 5 * SECOND), states })
    expect(state().recheck).toEqual({ from: recheck.from, after: 9, dueAt: noon + 65 * SECOND })
  })
})

describe('clients that were published under other rules', () => {
  const limits = 'No 100000'
  const [ignoring, all] = [rulesText({ ignored: ['points'], limits }), rulesText({ ignored: [], limits })]
  const withPoints = (Points: string, more: ClientRecord = {}) => ({ No: '1', Points, ...more })

  /** Client 1 was published while `points` was ignored; now it is not. */
  function changedRules() {
    const before = publishing(
      { rules: { timeZone: 'Europe/Paris', ignored: new Set(['points']), fields: undefined }, indexRules: ignoring },
      { state: { ...start, index: withRules(start.index, ignoring, 0) } },
    )
    before.publish([withPoints('1')])
    const index = withRules(before.state().index, all, 1)
    return publishing({ indexRules: all }, { table: before.table, state: { ...before.state(), index } })
  }

  test('are compared under those, and get an entry under the new ones: nothing is published', () => {
    const { publish, table, state } = changedRules()
    const { records, change } = publish([withPoints('2')])
    expect([records, change.events]).toEqual([[], 1])
    const { rules } = state().index
    expect(table.get(clientKey('1'))).toMatchObject({ rules: rules.indexOf(all), number: 0, tag: LIVE })
    expect(keysOf(publish([withPoints('3')]).records)).toEqual(['1'])
  })

  test('are published if they differ under those', () => {
    expect(keysOf(changedRules().publish([withPoints('1', { Nom: 'b' })]).records)).toEqual(['1'])
  })

  test('are published again when they were dead letters and the limits are other ones', () => {
    const small = {
      form: eventForm({ source: 's' }),
      maxValueBytes: 500,
      deadLetterClient: 'leave-out' as const,
    }
    const large = { No: '1', Nom: 'x'.repeat(900) }
    const before = publishing({ settings: small })
    before.publish([large, { No: '2' }])
    const other = rulesText({ ignored: [], limits: 'No 200000' })
    const state = { ...before.state(), index: withRules(before.state().index, other, 1) }
    const now = publishing({ indexRules: other }, { table: before.table, state })
    expect(keysOf(now.publish([large, { No: '2' }]).records)).toEqual(['1'])
  })

  test('are published again, under new event ids, when their contents are forgotten', () => {
    const before = publishing()
    const [first] = idsOf(before.publish([client('1', 'a')]).records)
    const index = { ...before.state().index, contentsFrom: 1 }
    const now = publishing({}, { table: before.table, state: { ...before.state(), index } })
    const [second] = idsOf(now.publish([client('1', 'a')]).records)
    expect(second).toMatch(/^[0-9a-f]{32}$/)
    expect(second).not.toBe(first)
  })
})

describe('clients of which events contain only a part', () => {
  const [key, newKey] = [fieldHash('a key of thirty-two characters..'), fieldHash('another key, as long as the first')]
  const whole = { No: '1', Nom: 'a', Mail: 'zoe@exemple.example', Memo: 'x' }
  type Fields = Record<string, FieldAction>
  const settingsOf = (fields: Fields, hmac = key, others: 'keep' | 'drop' = 'keep') => {
    const rules = {
      timeZone: 'UTC',
      ignored: new Set<string>(),
      fields: fieldRules(others, Object.entries(fields)),
      hmac,
    }
    return { rules, indexRules: presentRules(rules, 'No 100000') }
  }
  type Settings = ReturnType<typeof settingsOf>

  /** Client 1 was published under `before`; now the stream runs with `after`. */
  function changed(before: Settings, after: Settings, clients: readonly ClientRecord[] = [whole]) {
    const under = (state: typeof start, { indexRules }: Settings) => ({
      ...state,
      index: withRules(state.index, indexRules, state.events),
    })
    const first = publishing(before, { state: under(start, before) })
    first.publish(clients)
    return publishing(after, { table: first.table, state: under(first.state(), after) })
  }

  const nothing = settingsOf({})
  const hashing = settingsOf({ Mail: 'hmac' })
  const dropping = settingsOf({ Mail: 'hmac', Memo: 'drop' })
  test.each([
    ['the key', hashing, settingsOf({ Mail: 'hmac' }, newKey)],
    ['kept fields to hashed ones', nothing, hashing],
    ['hashed fields to kept ones', hashing, nothing],
    ['hashed fields to dropped ones', hashing, settingsOf({ Mail: 'drop' })],
    ['more dropped fields', hashing, dropping],
    ['fewer dropped fields', dropping, hashing],
    ['a list of kept fields', nothing, settingsOf({ No: 'keep', Nom: 'hmac' }, key, 'drop')],
    ['whole clients', settingsOf({ No: 'keep', Nom: 'hmac' }, key, 'drop'), nothing],
  ])('are not published again after a change to %s, and a later change is published once', (_, before, after) => {
    const { publish } = changed(before, after)
    expect(publish([whole]).records).toEqual([])
    expect(namesOf(publish([{ ...whole, Nom: 'b', Mail: 'eva@exemple.example' }]).records)).toHaveLength(1)
    expect(publish([{ ...whole, Nom: 'b', Mail: 'eva@exemple.example' }]).records).toEqual([])
  })

  test('are published when a hashed field changes, but not when only a dropped one does', () => {
    const { publish } = publishing(dropping, {
      state: { ...start, index: withRules(start.index, dropping.indexRules, 0) },
    })
    expect(publish([whole]).records).toHaveLength(1)
    expect(publish([{ ...whole, Memo: 'y' }]).records).toEqual([])
    expect(publish([{ ...whole, Mail: 'eva@exemple.example' }]).records).toHaveLength(1)
  })

  test('become events if they were too large before a field was dropped', () => {
    const small = {
      settings: { form: eventForm({ source: 's' }), maxValueBytes: 700, deadLetterClient: 'leave-out' as const },
    }
    const large = { ...whole, Memo: 'x'.repeat(900) }
    const { publish } = changed({ ...nothing, ...small }, { ...dropping, ...small }, [large])
    expect(keysOf(publish([large]).records)).toEqual(['1'])
  })

  test('have an event id that does not help to guess a hashed value', () => {
    const idUnder = (settings: Settings, Mail: string) => {
      const state = { ...start, index: withRules(start.index, settings.indexRules, 0) }
      return idsOf(publishing(settings, { state }).publish([{ ...whole, Mail }]).records)[0]
    }
    const [mail, other] = ['zoe@exemple.example', 'eva@exemple.example']
    expect(idUnder(hashing, mail)).toBe(idUnder(hashing, mail))
    expect(idUnder(hashing, mail)).not.toBe(idUnder(hashing, other))
    expect(idUnder(hashing, mail)).not.toBe(idUnder(settingsOf({ Mail: 'hmac' }, newKey), mail))
  })
})
