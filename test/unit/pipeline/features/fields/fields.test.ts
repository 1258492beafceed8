import { describe, expect, test } from 'vitest'
import { fieldTable } from '../../../../../connector/pipeline/features/fields/field-table.ts'
import { fields } from '../../../../../connector/pipeline/features/fields/fields.ts'
import { fieldsIn } from '../../../../../connector/pipeline/features/fields/stored-fields.ts'
import { BACKFILL } from '../../../../../connector/scan/scan-state.ts'
import type { ClientRecord } from '../../../../../connector/source/client-source.ts'
import { memoryStore } from '../../../../support/fakes/memory-versioned-object.ts'
import { never } from '../../../../support/signals.ts'
import { noon, scanOf, statesOf } from '../../../scan/scans.ts'
import { building, reportsOf } from '../../builders.ts'
import { reading } from '../../readings.ts'

type Fault = NonNullable<Parameters<typeof memoryStore>[0]>['fault']

async function watched(object = memoryStore().object('s.fields.json'), from: Parameters<typeof building>[1] = {}) {
  let nonces = 0
  const feature = fields({ object, newNonce: () => `n${++nonces}` })
  await feature.prepare?.(never)
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

test('a field is reshaped when it is a list or an object for the first time; an empty text is no form', async () => {
  const { backfill, live } = await watched()
  await backfill({ Tel: '1', Ref: '' })
  expect(await live({ Tel: '', Ref: 'x' })).toEqual([])
  const reshaped = [{ kind: 'fields-changed', change: 'reshaped', fields: ['Tel'] }]
  expect(await live({ Tel: ['1', '2'] })).toEqual(reshaped)
  expect(await live({ Tel: ['3'] })).toEqual([])
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

  test('is learned anew if it cannot be read', async () => {
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
