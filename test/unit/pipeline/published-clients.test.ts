import { describe, expect, test } from 'vitest'
import { fieldRules } from '../../../connector/event/fields/field-rules.ts'
import type { ReadingRules } from '../../../connector/event/read-client.ts'
import type { PageGroupParts } from '../../../connector/pipeline/group/builder-state.ts'
import type { Scan } from '../../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../../connector/source/client-source.ts'
import { eventForm } from '../../support/records.ts'
import { beginAt, scanOf } from '../scan/scans.ts'
import { rules as noRules } from '../stream/open/open-parts.ts'
import { building, idsOf, keysOf, namesOf, start } from './builders.ts'
import { liveScan, mappedTo, type ReadingOf, reading } from './readings.ts'

// Each page is delivered in a group of its own, and the records of the next one are compared.

const client = (No: string, Nom: string, Modif?: string) => (Modif === undefined ? { No, Nom } : { No, Nom, Modif })

interface Publishing extends Partial<PageGroupParts> {
  readonly rules?: ReadingRules
}

/** Delivers each page in a group of its own. */
function publishing({ rules = noRules, ...parts }: Publishing = {}, from?: Parameters<typeof building>[1]) {
  const on = building(parts, from)
  const publish = (clients: readonly ClientRecord[], more: ReadingOf = {}) => {
    on.builder.add(reading(clients, { rules, ...more }))
    return on.delivered()
  }
  const by = (scan: Scan, clients: readonly ClientRecord[], more: ReadingOf = {}) => {
    const group = publish(clients, { scan, ...more })
    return { ...group, names: namesOf(group.records), counts: group.countsByLane.get(scan.lane) }
  }
  return { ...on, publish, by }
}
/** Live scans have the number 1. */
const history = (number: number, more: Partial<Scan> = {}) =>
  scanOf({ lane: 'history', from: beginAt, number, ...more })

describe('a client that is read again', () => {
  test('is suppressed while its content is that of its last event, by whichever scan', () => {
    const { publish, by } = publishing()
    publish([client('1', 'a')])
    expect(publish([client('1', 'a')]).records).toEqual([])
    expect(by(history(0), [client('1', 'a')]).counts).toMatchObject({ events: 0, suppressed: 1, superseded: 0 })
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

  test('is another one in a new generation of the index', () => {
    const again = { ...start, index: { ...start.index, generation: 5 } }
    const [first, second] = [start, again].map((state) =>
      idsOf(publishing({}, { state }).publish([client('1', 'a')]).records),
    )
    expect(first).not.toEqual(second)
  })
})

describe('a scan', () => {
  test('Invariant 3: does not publish a client that a scan with a higher number has published', () => {
    const { publish, by } = publishing()
    publish([client('1', 'new')])
    const { names, counts } = by(history(0), [client('1', 'old'), client('2', 'a')])
    expect(names).toEqual(['a'])
    expect(counts).toMatchObject({ events: 1, superseded: 1 })
  })

  test('publishes what scans with smaller numbers had published, and what it published itself', () => {
    const { publish, by } = publishing()
    publish([client('1', 'a')])
    expect(by(history(2), [client('1', 'b'), client('2', 'a')]).names).toEqual(['b', 'a'])
    expect(by(history(2), [client('2', 'b')]).names).toEqual(['b'])
    expect(by(scanOf({ lane: 'look-back', number: 3 }), [client('2', 'c')]).names).toEqual(['c'])
    expect(by(history(2), [client('2', 'd')]).names).toEqual([])
  })

  test('leaves alone what another scan has published in a group that is not delivered yet', () => {
    const { builder } = publishing()
    builder.add(reading([client('1', 'new')]))
    builder.add(reading([client('1', 'old')], { scan: history(0) }))
    expect(namesOf(builder.finish().records)).toEqual(['new'])
    builder.add(reading([client('1', 'older')], { scan: history(0) }))
    expect(builder.finish().records).toEqual([])
  })

  test('whose list is frozen publishes an older content once more, where a content came back and nothing shows when', () => {
    const { publish, by } = publishing()
    publish([client('1', 'a')])
    const frozen = history(7)
    expect(by(liveScan({ number: 10 }), [client('1', 'a')]).names).toEqual([])
    expect(by(frozen, [client('1', 'z')]).names).toEqual(['z'])
    expect(by(scanOf({ lane: 'look-back', number: 11 }), [client('1', 'a')]).names).toEqual(['a'])
    const timed = publishing()
    timed.publish([client('1', 'a', '2026-06-15T11:00:00')])
    const back = client('1', 'a', '2026-06-15T11:50:00')
    expect(timed.by(liveScan({ number: 10 }), [back]).names).toEqual(['a'])
    expect(timed.by(frozen, [client('1', 'z', '2026-06-15T11:30:00')]).counts).toMatchObject({ superseded: 1 })
  })

  test('Invariant 3: keeps a live scan that began before it from publishing, and no other', () => {
    const { by } = publishing()
    by(history(2), [client('1', 'a')])
    expect(by(liveScan(), [client('1', 'b')]).names).toEqual([])
    expect(by(liveScan({ number: 3 }), [client('1', 'b')]).names).toEqual(['b'])
  })
})

describe('dead letters of other settings', () => {
  const settings = { form: eventForm({ source: 's' }), maxValueBytes: 700, deadLetterClient: 'leave-out' as const }
  const large = { No: '1', Memo: 'x'.repeat(900) }

  /** These clients were published under the settings above; now the stream runs with `after`. */
  function changed(after: Publishing, clients: readonly ClientRecord[]) {
    const first = publishing({ settings })
    const before = first.publish(clients).records
    return { ...publishing({ settings, ...after }, { table: first.table, state: first.state() }), before }
  }

  test('become events under another limit or with the id field, and are others suppressed', () => {
    const dead = changed({ settings: { ...settings, maxValueBytes: 5_000 } }, [large, client('2', 'a')])
    expect(dead.before.map(({ target }) => target)).toEqual(['deadLetters', 'events'])
    expect(keysOf(dead.publish([large, client('2', 'a')]).records)).toEqual(['1'])
    expect(dead.publish([large, client('2', 'a')]).records).toEqual([])
    const fewer = changed({ rules: { ...noRules, fields: fieldRules('keep', [['Memo', 'drop']]) } }, [large])
    expect(keysOf(fewer.publish([large]).records)).toEqual(['1'])
    const withoutNo = { Code: '7', Nom: 'a' }
    const mapped = changed({}, [withoutNo])
    expect(mapped.publish([withoutNo]).records).toEqual([])
    expect(keysOf(mapped.publish([withoutNo], { mapping: mappedTo('Code', null) }).records)).toEqual(['7'])
  })

  test('stay dead letters under a limit that is still too low, and say so once more', () => {
    const { publish } = changed({ settings: { ...settings, maxValueBytes: 800 } }, [large])
    expect([publish([large]).deadLetters, publish([large]).deadLetters]).toEqual([1, 0])
  })
})

describe('a field that a page repeats', () => {
  const one = { No: '1', Tel: 'x' }
  const asList = { mapping: { ...mappedTo('No', 'Modif'), lists: ['Tel'] } }

  test('is a list in the events from then on: a client with one value is published as a list when it is read again', () => {
    const { publish } = publishing()
    expect(String(publish([one]).records[0]?.value)).toContain('"Tel":"x"')
    const { records, change } = publish([one, { No: '2', Tel: ['x', 'y'] }], asList)
    expect(String(records[0]?.value)).toContain('"Tel":["x"]')
    expect(change.mapping).toEqual(asList.mapping)
    expect(publish([one], asList).records).toEqual([])
  })
})
