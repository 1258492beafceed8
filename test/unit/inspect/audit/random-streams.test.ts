import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configuredPaths } from '../../../../connector/event/fields/configured-paths.ts'
import {
  actionOf,
  type FieldAction,
  fieldActions,
  fieldHash,
  fieldRules,
} from '../../../../connector/event/fields/field-rules.ts'
import type { ReadingRules } from '../../../../connector/event/read-client.ts'
import { auditStream } from '../../../../connector/inspect/audit/audit-stream.ts'
import { knownMapping } from '../../../../connector/inspect/inspected-pages.ts'
import type { ReadEvents } from '../../../../connector/publish/event-reading.ts'
import type { ClientRecord, ClientSource } from '../../../../connector/source/client-source.ts'
import { driven } from '../../../support/driven.ts'
import type { FakeRecord } from '../../../support/fakes/fake-kafka-cluster.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { runAlone } from '../../../support/run-alone.ts'
import { never } from '../../../support/signals.ts'
import { noon, pageOf } from '../../pipeline/readings.ts'
import { stage } from '../../stream/open/open-parts.ts'

// Random rules meet random clients, which change while the stream is started again and again. An audit agrees, until a
// record is taken away, changed or added.

const ids = ['7', '07', ' 7', 'a B', 'A b', 'é"x', '-1', '\ufffd', ''] as const
const paths = ['Nom', 'Mail', 'Cartes.Carte', 'Cartes.Carte.Numero', 'Points'] as const
const LARGEST = 2_000

const action = fc.constantFrom<FieldAction | undefined>(undefined, ...fieldActions)
const rulesOf = fc.record({
  others: fc.constantFrom('keep' as const, 'drop' as const),
  actions: fc.tuple(...paths.map(() => action)),
  isTyped: fc.boolean(),
  lists: fc.constantFrom([], ['Cartes.Carte']),
})
/** Texts begin with `s:`, so that a test finds them in the topics. */
const clientOf = fc.record({
  No: fc.constantFrom(...ids),
  Nom: fc.constantFrom('s:nom', ''),
  Mail: fc.constantFrom<ClientRecord | string>('s:mail', { lang: 's:fr', '#text': 's:mail' }, ''),
  Cartes: fc.constantFrom<ClientRecord | string>(
    '',
    { Carte: { Numero: 's:1' } },
    { Carte: [{ Numero: 's:1' }, { Numero: 's:2' }] },
    { Carte: '' },
  ),
  Points: fc.constantFrom('3', '1,5', ''),
  Memo: fc.constantFrom('s:memo', 'x'.repeat(LARGEST)),
})
const streams = fc.record({
  rules: rulesOf,
  /** The clients that change before each start of the stream. */
  changes: fc.array(fc.array(clientOf, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
  deadLetterClient: fc.constantFrom('leave-out' as const, 'include' as const),
})
type Stream = typeof streams extends fc.Arbitrary<infer Value> ? Value : never

function readingRules({ rules: { others, actions, isTyped, lists } }: Stream): ReadingRules {
  const named = paths.flatMap((path, at) => (actions[at] === undefined ? [] : [[path, actions[at]] as const]))
  return {
    timeZone: 'Europe/Paris',
    ignored: new Set(),
    lists,
    fields: fieldRules(others, [['No', 'keep'], ...named]),
    hmac: fieldHash('k'.repeat(32)),
    types: isTyped ? new Map([['points', 'integer']]) : undefined,
  }
}

/** A stream of clients on fakes, whose source shows the last version of each, two a page. */
function streamOf(stream: Stream) {
  const clock = virtualClock(noon)
  const shown = new Map<string, ClientRecord>()
  const source: ClientSource = {
    read: async ({ checkPoint }) => {
      const from = Number(checkPoint ?? 0)
      const clients = [...shown.values()].slice(from, from + 2)
      const hasMoreResults = from + 2 < shown.size
      return pageOf(clients, { hasMoreResults, checkPoint: (hasMoreResults ? String(from + 2) : null) as never })
    },
  }
  const on = stage({ clock, endsWhen: 'caught-up', source })
  const rules = readingRules(stream)
  const { groupParts, readerParts } = on.pipelineParts
  const settings = { ...groupParts.settings, maxValueBytes: LARGEST, deadLetterClient: stream.deadLetterClient }
  const readerOf = () => ({
    ...readerParts,
    rules,
    configuredPaths: configuredPaths(rules),
    configuredFields: { ...readerParts.configuredFields, clientId: 'No' },
    settings: { ...readerParts.settings, fullScan: { everyMs: 1 } },
  })
  const readEvents: ReadEvents = async ({ of = 'events', find, onVisible }) => {
    for (const [at, record] of on.kafka.committed.entries()) {
      if (record.target !== of) continue
      const found = find(record, { partition: 0, offset: BigInt(at), key: record.key, timeMs: record.at })
      if (found !== undefined) onVisible(found)
    }
  }
  const topic = { readEvents, eventSource: '/polaris/shop/clients', ignored: rules.ignored, isShared: false }
  return {
    committed: on.kafka.committed,
    rules,
    /** Starts the stream with a new reader, until it has caught up. */
    run: async (clients: readonly ClientRecord[]) => {
      for (const client of clients) {
        shown.delete(String(client.No))
        shown.set(String(client.No), client)
      }
      const pipelineParts = { ...on.pipelineParts, readerParts: readerOf(), groupParts: { ...groupParts, settings } }
      return (await driven(clock, runAlone({ ...on.streamParts, pipelineParts }, never))).kind
    },
    audit: async () => {
      const reader = { ...readerOf(), mapping: await knownMapping(on.openParts.object, never) }
      const names = { events: 'e', deadLetters: 'd' }
      return (await driven(clock, auditStream({ reader, settings, topic, names, clock }, undefined, never))).report
    },
  }
}

/** The last events of clients that have never been dead letters. */
function lastEvents(committed: readonly FakeRecord[]) {
  const dead = new Set(committed.flatMap(({ target, key }) => (target === 'deadLetters' ? key : [])))
  const last = new Map(committed.map(({ key }, at) => [key, at]))
  return [...last].flatMap(([key, at]) => (dead.has(key) ? [] : at))
}

test('an audit agrees with a stream that ran well under any rules, and differs by one record', async () => {
  const seen = { agreed: 0, held: 0 }
  await fc.assert(
    fc.asyncProperty(streams, fc.nat(), async (stream, number) => {
      const { run, audit, committed, rules } = streamOf(stream)
      for (const clients of stream.changes)
        if ((await run(clients)) !== 'caught-up') {
          seen.held += 1
          return
        }
      expect(await audit()).toMatchObject({ agree: true })
      seen.agreed += 1
      const { fields } = rules
      const texts = committed.map(({ value }) => String(value)).join()
      for (const [path, text] of [
        ['nom', /s:nom/],
        ['mail', /s:mail|s:fr/],
        ['cartes.carte.numero', /s:[12]/],
      ] as const)
        if (fields !== undefined && actionOf(fields, path) !== 'keep') expect(texts).not.toMatch(text)

      const last = lastEvents(committed)
      const at = last[number % last.length]
      if (at === undefined) return
      const record = committed[at] ?? expect.fail()
      committed.splice(at, 1)
      if (!committed.some(({ key, target }) => target === 'events' && key === record.key))
        expect((await audit()).differences.missing).toBe(1)
      const value = String(record.value).replace('"data":{', '"data":{"Autre":"1",')
      committed.push({ ...record, value })
      expect((await audit()).differences.different).toBe(1)
      committed.pop()
      committed.push(record, { ...record, key: 'another', value: String(record.value) })
      expect((await audit()).differences.gone).toBe(1)
    }),
    { numRuns: 150 },
  )
  // The test would show nothing if nearly all streams were held.
  expect(seen.agreed).toBeGreaterThan(75)
})
