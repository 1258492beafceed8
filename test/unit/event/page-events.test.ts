import { describe, expect, test } from 'vitest'
import { type EventSettings, type PageOfClients, pageEvents } from '../../../connector/event/page-events.ts'
import { openWindow, type Window } from '../../../connector/event/window.ts'
import type { CheckPoint, ClientRecord, SourceTime } from '../../../connector/source/client-source.ts'

const settings: EventSettings = {
  source: '/polaris/shop/clients',
  timeZone: 'Europe/Paris',
  hashIgnore: new Set(['points']),
  maxValueBytes: 100_000,
  deadLetterClient: 'leave-out',
}
const readAt = Date.parse('2026-06-15T10:00:00Z')
const noon = '2026-06-15T12:00:00' as SourceTime
const mapped = { clientId: 'No', modifiedAt: 'Modif' }

function pageOf(clients: readonly ClientRecord[], more: Partial<PageOfClients> = {}): PageOfClients {
  const readWith = { lastChanged: noon, checkPoint: 'token' as CheckPoint, limit: 100, output: 'json' as const }
  return { clients, readWith, readAt, latestReading: noon, mapping: mapped, events: 0, ...more }
}
const emptyWindow = () => openWindow({ frozen: [], seen: [] }, 1000)

/** A window that has seen the clients. */
function windowThatKnows(...clients: readonly ClientRecord[]): Window {
  const window = emptyWindow()
  const { until, entries } = pageEvents(pageOf(clients), window, settings)
  window.apply({ kind: 'seen', slice: { until, entries } })
  return window
}

function make(
  clients: readonly ClientRecord[],
  { window = emptyWindow(), ...more }: { window?: Window } & Partial<PageOfClients & EventSettings> = {},
) {
  const { outcomes, ...rest } = pageEvents(pageOf(clients, more), window, { ...settings, ...more })
  const records = outcomes.flatMap((outcome) => (outcome.kind === 'suppressed' ? [] : [outcome.record]))
  return { kinds: outcomes.map(({ kind }) => kind), records, outcomes, ...rest }
}
const dataOf = ({ value }: { value: string } = { value: '{}' }) => JSON.parse(value)

describe('the clients of a page', () => {
  test('Invariant 3: become events in the order in which the API gave them, counted on', () => {
    const { records } = make([{ No: '2' }, { No: '1' }, { No: '2', Nom: 'x' }], { events: 5 })
    expect(records.map(({ key }) => key)).toEqual(['2', '1', '2'])
    expect(records.map((record) => Number(dataOf(record).sequence))).toEqual([5, 6, 7])
  })

  test('are suppressed when they are read again unchanged, and take no number', () => {
    const window = windowThatKnows({ No: '1' }, { No: '2' })
    const { kinds, records } = make([{ No: '1' }, { No: '2', Nom: 'x' }, { No: '3' }], { window, events: 9 })
    expect(kinds).toEqual(['suppressed', 'event', 'event'])
    expect(records.map((record) => Number(dataOf(record).sequence))).toEqual([9, 10])
  })

  test('are unchanged when only an ignored field is different', () => {
    const window = windowThatKnows({ No: '1', Points: '5' })
    expect(make([{ No: '1', Points: '6' }], { window }).kinds).toEqual(['suppressed'])
  })

  test('are suppressed within the page, too; but A → B → A on one page keeps its last change', () => {
    const a = { No: '1', Nom: 'a' }
    const b = { No: '1', Nom: 'b' }
    expect(make([a, a, b, a]).kinds).toEqual(['event', 'suppressed', 'event', 'event'])
  })

  test('tell which ones the window knew with other content', () => {
    const window = windowThatKnows({ No: '1' })
    const { outcomes } = make([{ No: '1', Nom: 'x' }, { No: '2' }], { window })
    expect(outcomes.map((outcome) => outcome.kind === 'event' && outcome.again)).toEqual([true, false])
  })

  test('enter the window, suppressed or not', () => {
    const window = windowThatKnows({ No: '1' })
    expect(make([{ No: '1' }, { No: '2' }], { window }).entries).toHaveLength(2 * 22)
  })
})

describe('the time of an event', () => {
  test('is the modification time where it is mapped, else the read time', () => {
    const { records } = make([{ No: '1', Modif: '2026-06-15T11:59:00' }, { No: '2' }, { No: '3', Modif: 'soon' }])
    expect(records.map((record) => dataOf(record).time)).toEqual([
      '2026-06-15T09:59:00.000Z',
      '2026-06-15T10:00:00.000Z',
      '2026-06-15T10:00:00.000Z',
    ])
  })

  test('Invariant 7: the id hangs on the modification time alone, or else on the resume point', () => {
    const clients = [{ No: '1', Modif: '2026-06-15T11:59:00' }, { No: '2' }]
    const elsewhere = { ...pageOf([]).readWith, checkPoint: null }
    const ids = [make(clients), make(clients), make(clients, { readWith: elsewhere })].map(({ records }) =>
      records.map((record) => dataOf(record).id),
    )
    expect(ids[1]).toEqual(ids[0])
    expect(ids[2]?.[0]).toBe(ids[0]?.[0])
    expect(ids[2]?.[1]).not.toBe(ids[0]?.[1])
  })
})

describe('how long the window keeps a page', () => {
  test('is until its latest modification time', () => {
    const clients = ['11:58', '11:59', '11:57'].map((time, index) => ({
      No: `${index}`,
      Modif: `2026-06-15T${time}:00`,
    }))
    expect(make(clients).until).toBe('2026-06-15T11:59:00')
  })

  test('is until the read where one client has no modification time', () => {
    expect(make([{ No: '1', Modif: '2026-06-15T11:58:00' }, { No: '2' }]).until).toBe(noon)
  })
})

describe('the last modification time, where a refused token makes the stream read again', () => {
  test('is that of the last client that has one', () => {
    const clients = [{ No: '1', Modif: '2026-06-15T11:59:00' }, { No: '2', Modif: '2026-06-15T11:58:00' }, { No: '3' }]
    expect(make(clients).lastModifiedAt).toBe('2026-06-15T11:58:00')
    expect(make([{ No: '3' }]).lastModifiedAt).toBeNull()
  })

  test('Invariant 1: is not later than the read, or a shop with a wrong clock would make it skip what comes meanwhile', () => {
    expect(make([{ No: '1', Modif: '2031-01-01T00:00:00' }]).lastModifiedAt).toBe(noon)
  })
})

describe('a client that cannot become an event', () => {
  test.each([
    ['without an id', { Nom: 'planted' }, 'client-id-missing'],
    ['with an empty id', { No: '', Nom: 'planted' }, 'client-id-missing'],
    ['with an object for an id', { No: { a: 'planted' } }, 'client-id-not-text'],
    ['with a list for an id', { No: ['planted'] }, 'client-id-not-text'],
  ])('%s is a dead letter without key and without anything of the client', (_what, client, code) => {
    const { records } = make([client])
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ to: 'deadLetters', key: null })
    expect(dataOf(records[0])).toEqual({
      code,
      field: 'No',
      bytes: Buffer.byteLength(JSON.stringify(client)),
      contentHash: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(records[0]?.value).not.toContain('planted')
  })

  test('that is too large is one with its id as the key; the size is that of the event', () => {
    const client = { No: '1', Nom: 'é'.repeat(300) }
    const [event] = make([client]).records
    const bytes = Buffer.byteLength(event?.value ?? '')
    expect(make([client], { maxValueBytes: bytes }).kinds).toEqual(['event'])
    const [letter] = make([client], { maxValueBytes: bytes - 1 }).records
    expect(letter).toMatchObject({ to: 'deadLetters', key: '1' })
    expect(dataOf(letter)).toMatchObject({ code: 'client-too-large', bytes })
  })

  test('takes no number, and the next event goes on counting', () => {
    const { records } = make([{ No: '1' }, {}, { No: '2' }], { events: 3 })
    expect(records.map((record) => dataOf(record).sequence && Number(dataOf(record).sequence))).toEqual([
      3,
      undefined,
      4,
    ])
  })

  test('is in the dead letter by option, if it fits', () => {
    const option = { deadLetterClient: 'include' } as const
    expect(dataOf(make([{ Nom: 'x' }], option).records[0])).toMatchObject({ client: { Nom: 'x' } })
    const large = { No: '1', Nom: 'x'.repeat(500) }
    expect(dataOf(make([large], { ...option, maxValueBytes: 400 }).records[0])).not.toHaveProperty('client')
  })

  test('is not repeated by an overlap', () => {
    const window = windowThatKnows({ Nom: 'x' })
    expect(make([{ Nom: 'x' }, { Nom: 'y' }], { window }).kinds).toEqual(['suppressed', 'dead-letter'])
  })

  test('becomes an event as soon as it can', () => {
    const window = emptyWindow()
    const large = make([{ No: '1', Nom: 'x'.repeat(9_000) }], { window, maxValueBytes: 5_000 })
    window.apply({ kind: 'seen', slice: { until: large.until, entries: large.entries } })
    expect(large.kinds).toEqual(['dead-letter'])
    expect(make([{ No: '1', Nom: 'x' }], { window }).kinds).toEqual(['event'])
  })
})
