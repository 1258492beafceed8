import { describe, expect, test } from 'vitest'
import { beginning } from '../../../../../connector/checkpoint/stream-state.ts'
import { noStreamRequests } from '../../../../../connector/control/stream-requests.ts'
import { withoutFields } from '../../../../../connector/event/configured-events.ts'
import type { NewFieldRule } from '../../../../../connector/event/fields/field-rules.ts'
import { clientTable } from '../../../../../connector/index/client-table.ts'
import { withRules } from '../../../../../connector/index/index-state.ts'
import { fieldTable } from '../../../../../connector/pipeline/features/fields/field-table.ts'
import { fields } from '../../../../../connector/pipeline/features/fields/fields.ts'
import { fieldsIn, noFields, storeFields } from '../../../../../connector/pipeline/features/fields/stored-fields.ts'
import { readKept, withKept } from '../../../../../connector/pipeline/features/kept-entries.ts'
import type { PageGroupParts } from '../../../../../connector/pipeline/group/building.ts'
import { codeOf } from '../../../../../connector/runtime/connector-error.ts'
import { BACKFILL } from '../../../../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../../../../connector/source/client-source.ts'
import { memoryStore } from '../../../../support/fakes/memory-versioned-object.ts'
import { never } from '../../../../support/signals.ts'
import { noon, scanOf, statesOf } from '../../../scan/scans.ts'
import { groupParts } from '../../../stream/open/open-parts.ts'
import { building, reportsOf, start } from '../../builders.ts'
import { reading } from '../../readings.ts'

type Fault = NonNullable<Parameters<typeof memoryStore>[0]>['fault']

const keep: NewFieldRule = { action: 'keep', accepted: new Set() }

async function watched(
  object = memoryStore().object('s.fields.json'),
  from: Parameters<typeof building>[1] = {},
  rule = keep,
) {
  let nonces = 0
  const feature = fields({ object, newNonce: () => `n${++nonces}`, rule })
  await feature.prepare?.(from.state?.parts.fields, never)
  const built = building({ features: [feature] }, from)
  let next = 0
  const numbered = (clients: readonly ClientRecord[]) => clients.map((client) => ({ No: `${next++}`, ...client }))
  const add = async (page: Parameters<typeof reading>) => {
    let added = built.builder.add(reading(...page))
    while (added === 'slice') added = built.builder.addRest()
    const reports = reportsOf(built.delivered(), 'fields-changed')
    await new Promise((resolve) => setImmediate(resolve))
    return reports
  }
  return {
    ...built,
    feature,
    object,
    live: (...clients: readonly ClientRecord[]) => add([numbered(clients), { states: statesOf() }]),
    /** A backfill of one page. */
    backfill: (...clients: readonly ClientRecord[]) =>
      add([numbered(clients), { scan: scanOf({ kind: 'backfill', tag: BACKFILL }), states: statesOf() }]),
    stored: async () => fieldsIn(await object.read(never)),
  }
}

const new_ = (...names: readonly string[]) => [{ kind: 'fields-changed', change: 'new', fields: names }]

describe('a field is new', () => {
  test('once, if no client of the backfill had it', async () => {
    const { backfill, live } = await watched()
    expect(await backfill({ Nom: 'a' }, { Ville: 'b' })).toEqual([])
    expect(await live({ Nom: 'c', Ville: 'd' })).toEqual([])
    expect(await live({ Nom: 'c', Jeton: 'x' })).toEqual(new_('Jeton'))
    expect(await live({ Nom: 'd', Jeton: 'y' })).toEqual([])
  })

  test('below another one too, whether that is an object or a list of them', async () => {
    const { backfill, live } = await watched()
    await backfill({ Adresse: { Ville: 'a' } }, { Enfants: [{ Prenom: 'b' }] })
    expect(await live({ Adresse: { Pays: 'c' } }, { Enfants: [{ Prenom: 'd' }, { Age: '1' }] })).toEqual(
      new_('Adresse.Pays', 'Enfants.Age'),
    )
  })

  test('in a stream that was running before, after a thousand clients', async () => {
    const { live } = await watched()
    expect(await live(...Array.from({ length: 999 }, () => ({ Nom: 'a' })))).toEqual([])
    expect(await live({ Nom: 'a', Rare: 'b' })).toEqual([])
    expect(await live({ Jeton: 'b' })).toEqual(new_('Jeton'))
  })

  test('also for a replica that takes the stream over, and for none of the fields that the other knew', async () => {
    const first = await watched()
    await first.backfill({ Nom: 'a' })
    await first.live({ Jeton: 'b' })
    const second = await watched(first.object, { state: first.state(), table: first.table })
    expect(await second.live({ Nom: 'x', Jeton: 'y' }, { Code: 'z' })).toEqual(new_('Code'))
  })

  test('and is reported with the next group if its group is not delivered', async () => {
    const { backfill, builder, live } = await watched()
    await backfill({ Nom: 'a' })
    builder.add(reading([{ No: '9', Jeton: 'b' }], { states: statesOf() }))
    builder.finish()
    expect(await live({ Nom: 'c' })).toEqual(new_('Jeton'))
  })
})

test('a field is reshaped when it is an object for the first time; an empty text is no form, and the reader reports lists', async () => {
  const { backfill, live } = await watched()
  await backfill({ Tel: '1', Ref: '' })
  expect(await live({ Tel: '', Ref: 'x' })).toEqual([])
  expect(await live({ Tel: ['1', '2'] })).toEqual([])
  const reshaped = { kind: 'fields-changed', change: 'reshaped', fields: ['Ref'] }
  expect(await live({ Ref: { Code: 'x' } })).toEqual([...new_('Ref.Code'), reshaped])
  expect(await live({ Ref: { Code: 'y' } })).toEqual([])
})

test('a field has vanished once a thousand clients in a row lack it, unless it was always rare', async () => {
  const { backfill, live } = await watched()
  await backfill(
    ...Array.from({ length: 300 }, (_, at) => (at === 0 ? { Nom: 'a', Rare: 'b' } : { Nom: 'a', Tel: '1' })),
  )
  expect(await live(...Array.from({ length: 999 }, () => ({ Nom: 'c' })))).toEqual([])
  const vanished = [{ kind: 'fields-changed', change: 'vanished', fields: ['Tel'] }]
  expect(await live({ Nom: 'd' })).toEqual(vanished)
  expect(await live({ Nom: 'e' })).toEqual([])
})

describe('what is stored', () => {
  test('has names and counts, never a value', async () => {
    const { backfill, stored, object } = await watched()
    await backfill({ Nom: 'Durand', Tel: '' }, { Nom: 'Li', Adresse: { Ville: 'Paris' } })
    expect(await stored()).toMatchObject({ clients: 2, isLearned: true })
    const field = { filled: 2, shapes: ['text'], longest: 6, firstSeen: noon, isVanished: false }
    expect((await stored())?.fields).toContainEqual({ path: 'Nom', clients: 2, seenAt: 2, ...field })
    expect((await stored())?.fields.map(({ path }) => path)).toEqual(['No', 'Nom', 'Tel', 'Adresse', 'Adresse.Ville'])
    expect((await object.read(never))?.text).not.toMatch(/Durand|Paris/)
  })

  test('is written when names change or the clients have doubled, not for each group', async () => {
    let writes = 0
    const fault: Fault = (call) => {
      if (call.kind === 'write') writes += 1
      return 'none'
    }
    const { backfill, live } = await watched(memoryStore({ fault }).object('s.fields.json'))
    await backfill({ Nom: 'a' })
    for (let group = 0; group < 200; group += 1) await live({ Nom: 'b' })
    expect(writes).toBe(3) // at 1, 100 and 200 clients
  })

  test('is learned again if it cannot be read', async () => {
    const object = memoryStore().object('s.fields.json')
    await object.write('{"format": 99}', null, never)
    const { live, backfill } = await watched(object)
    expect(await live({ Nom: 'a' })).toEqual([])
    await backfill({ Nom: 'a' })
    expect(await live({ Jeton: 'b' })).toEqual(new_('Jeton'))
  })
})

describe('names that may be personal data are not kept', () => {
  const pathsOf = (...clients: readonly ClientRecord[]) => {
    const table = fieldTable({ clients: 0, fields: [] })
    for (const client of clients) table.add(client, noon)
    return { paths: table.fields().map(({ path }) => path), table }
  }
  const numbered = (count: number, prefix: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`${prefix}${at}`, 'x']))

  test('of a field with more than fifty fields below it', () => {
    expect(pathsOf({ Points: numbered(50, 'client') }).paths).toHaveLength(51)
    const { paths, table } = pathsOf({ Points: numbered(51, 'client') }, { Points: { Durand: 'x' } })
    expect(paths).toEqual(['Points', 'Points.*'])
    expect(table.fields()[1]).toMatchObject({ clients: 2, filled: 2 })
  })

  test('of a field with another name than letters, digits and underscores below it, or one that is too long', () => {
    expect(pathsOf({ Points: { ok: '1', 'jean.durand@example.com': 'x', z: '1' } }).paths).toEqual([
      'Points',
      'Points.*',
    ])
    expect(pathsOf({ Points: { ['x'.repeat(65)]: '1' } }).paths).toEqual(['Points', 'Points.*'])
    expect(pathsOf({ '0612345678': 'x', Nom: 'y' }).paths).toEqual(['*', 'Nom'])
  })

  test('beyond five hundred', () => {
    expect(pathsOf(numbered(700, 'f')).paths).toHaveLength(501)
  })

  test('and none of them is reported', () => {
    const { table } = pathsOf({ Points: { 'a b': '1' } })
    expect(table.changes()).toEqual([{ change: 'new', field: 'Points' }])
  })
})

const ruled = (action: NewFieldRule['action'], ...accepted: readonly string[]): NewFieldRule => {
  return { action, accepted: new Set(accepted) }
}

describe('with newFields: hold', () => {
  test('a page with a new field is not published; those before it are', async () => {
    const { backfill, builder, delivered, feature } = await watched(undefined, {}, ruled('hold'))
    await backfill({ Nom: 'a' })
    builder.add(reading([{ No: '8', Nom: 'b' }], { states: statesOf() }))
    const page = [{ No: '9', Nom: 'c', Jeton: 'secret' }]
    expect(builder.add(reading(page, { states: statesOf() }))).toBe('part')
    expect(delivered().records).toHaveLength(1)
    expect(() => builder.addRest()).toThrow('clients have new fields: jeton')
    expect(() => feature.examine?.(page)).toThrow('clients have new fields: jeton')
  })

  test('continues once the field, or the one above it, has a rule, or was learned', async () => {
    const { backfill, live } = await watched(undefined, {}, ruled('hold', 'jeton', 'adresse'))
    await backfill({ Nom: 'a', Adresse: { Ville: 'b' } })
    expect(await live({ Jeton: 'c', NOM: 'd', Adresse: { Pays: 'e' } })).toEqual(new_('Jeton', 'NOM', 'Adresse.Pays'))
  })
})

describe('with newFields: drop', () => {
  test('a new field is stored as dropped before the stream is opened again', async () => {
    const { backfill, builder, feature, stored } = await watched(undefined, {}, ruled('drop'))
    await backfill({ Nom: 'a' })
    expect(feature.dropped?.()).toEqual([])
    const page = reading([{ No: '9', Nom: 'c', Jeton: 'x' }], { states: statesOf() })
    expect(() => builder.add(page)).toThrow('dropping new fields: jeton')
    await feature.prepare?.(undefined, never)
    expect((await stored())?.dropped).toEqual(['jeton'])
    expect(feature.dropped?.()).toEqual(['jeton'])
    expect(builder.add(page)).toBe('whole')
  })

  test('another replica drops it too, until the field has a rule', async () => {
    const first = await watched(undefined, {}, ruled('drop'))
    await first.backfill({ Nom: 'a' })
    expect(() => first.builder.add(reading([{ No: '9', Jeton: 'x' }], { states: statesOf() }))).toThrow()
    await first.feature.prepare?.(undefined, never)
    expect((await watched(first.object, {}, ruled('drop'))).feature.dropped?.()).toEqual(['jeton'])
    expect((await watched(first.object, {}, ruled('drop', 'jeton'))).feature.dropped?.()).toEqual([])
  })
})

describe('when the object with the names is lost, or cannot be read', () => {
  const learned = async (rule: NewFieldRule) => {
    const first = await watched(undefined, {}, rule)
    await first.backfill({ Nom: 'a' })
    await first.live({ Nom: 'b' })
    return { state: first.state(), table: first.table }
  }
  const lost = () => memoryStore().object('s.fields.json')

  test.each(['drop', 'hold'] as const)(
    'and newFields is %s, the stream is not opened until it is back',
    async (action) => {
      const from = await learned(ruled(action))
      const object = lost()
      const feature = fields({ object, newNonce: () => 'n', rule: ruled(action) })
      const prepare = async () => await feature.prepare?.(from.state.parts.fields, never).then(() => 'prepared', codeOf)
      expect(await prepare()).toBe('checkpoint.fields-lost')
      await object.write('{"format": 99}', null, never)
      expect(await prepare()).toBe('checkpoint.fields-lost')
      await storeFields(object, { fields: { ...noFields, isLearned: true }, nonce: 'n' }, never)
      expect(await prepare()).toBe('prepared')
    },
  )

  test('and newFields is keep, the fields are learned again; it stays noticed until they are', async () => {
    const from = await learned(keep)
    const again = await watched(lost(), from)
    expect(await again.live({ Nom: 'c', Jeton: 'x' })).toEqual([])
    expect(again.state().parts.fields).toEqual({ isLearned: true })
    expect((await again.stored())?.isLearned).not.toBe(true)
  })

  test('and the history is read again, the fields are learned from all clients, also those that are not published', async () => {
    const { state, table } = await learned(keep)
    const { fields: _, ...parts } = state.parts
    const again = await watched(lost(), { state: { ...state, parts }, table }, ruled('drop'))
    expect(again.state().parts.fields).toBeUndefined()
    await again.backfill({ Nom: 'a' })
    expect((await again.stored())?.fields.map(({ path }) => path)).toEqual(['No', 'Nom'])
    await again.live({ Nom: 'd' })
    expect(again.state().parts.fields).toEqual({ isLearned: true })
  })
})

test('nothing is published for a dropped field: neither when it appears nor when it is accepted', () => {
  const parts = groupParts()
  const dropping = withoutFields(parts, ['jeton'])
  const published = (of: PageGroupParts, from: ReturnType<typeof building> | undefined, clients: ClientRecord[]) => {
    const before = from?.state() ?? start
    const index = withRules(before.index, of.indexRules, before.events)
    const built = building(
      { ...of, requests: noStreamRequests },
      { state: { ...before, index }, table: from?.table ?? clientTable() },
    )
    built.builder.add(reading(clients))
    return { built, events: built.delivered().records.map(({ value }) => JSON.parse(String(value))) }
  }
  const first = published(parts, undefined, [{ No: '1', Nom: 'a' }])
  const appears = published(dropping, first.built, [{ No: '1', Nom: 'a', Jeton: 'x' }])
  expect([first.events.length, appears.events]).toEqual([1, []])
  const changes = published(dropping, appears.built, [{ No: '1', Nom: 'b', Jeton: 'x' }])
  expect(changes.events).toMatchObject([{ data: { No: '1', Nom: 'b' }, fieldrules: 'jeton=drop' }])
  expect(changes.events[0].data).not.toHaveProperty('Jeton')
  const accepted = published(parts, changes.built, [{ No: '1', Nom: 'b', Jeton: 'x' }])
  expect(accepted.events).toEqual([])
  const later = published(parts, accepted.built, [{ No: '1', Nom: 'b', Jeton: 'y' }])
  expect(later.events).toMatchObject([{ data: { Nom: 'b', Jeton: 'y' } }])
})

test('which fields are lists is kept for a checkpoint that is lost', async () => {
  const { backfill, feature } = await watched()
  await backfill({ Nom: 'a', Cartes: ['1'], Adresse: { Points: [] } }, { Adresse: { Points: ['x'] } })
  const state = withKept(beginning, await readKept([feature], never))
  expect(state).toMatchObject({ mapping: { xml: null, lists: ['Cartes', 'Adresse.Points'] }, index: beginning.index })
  const unseen = await watched()
  expect(withKept(beginning, await readKept([unseen.feature], never))).toEqual(beginning)
})
